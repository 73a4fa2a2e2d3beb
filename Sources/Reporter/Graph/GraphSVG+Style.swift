extension GraphSVG {
  /// The look of every graph: light, dark, and on paper. Belongs into the style sheet of a page that shows one.
  public static let css = """
    .graph {
      --graph-ground: #fff; --graph-box: #f4f7fb; --graph-line: #9fb0c3; --graph-text: #1b2230;
      --graph-quiet: #5d6878; --graph-edge: #8295ab; --graph-strong: #0b57b0; --graph-fail: #c0392b;
      --graph-outside: #fdf6e9; --graph-group: #eaf2fb; --graph-focus: #d8e8fa;
      font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Hiragino Sans",
        "Yu Gothic UI", Meiryo, "Noto Sans CJK JP", sans-serif;
      background: var(--graph-ground);
    }
    @media (prefers-color-scheme: dark) {
      .graph {
        --graph-ground: #14181f; --graph-box: #1f2733; --graph-line: #4b5a6c; --graph-text: #dfe5ee;
        --graph-quiet: #98a4b5; --graph-edge: #66788e; --graph-strong: #7db7f5; --graph-fail: #ef7b6c;
        --graph-outside: #2b2518; --graph-group: #1d2c40; --graph-focus: #24415f;
      }
    }
    .graph text { font-size: 12px; fill: var(--graph-text); text-anchor: middle; }
    .graph text.sub { font-size: 10.5px; fill: var(--graph-quiet); }
    .graph-node rect { fill: var(--graph-box); stroke: var(--graph-line); stroke-width: 1; }
    .graph-node.group rect, .graph-node.network rect { fill: var(--graph-group); }
    .graph-node.outside rect { fill: var(--graph-outside); }
    .graph-node.others rect, .graph-node.clients rect { stroke-dasharray: 4 3; }
    .graph-node.focus rect { fill: var(--graph-focus); stroke: var(--graph-strong); stroke-width: 2; }
    .graph-node a { text-decoration: none; cursor: pointer; }
    .graph-node a:hover rect, .graph-node a:focus-visible rect { stroke: var(--graph-strong); stroke-width: 2; }
    .graph-node a:focus { outline: none; }
    .graph-edge path { fill: none; }
    .graph-edge .line { stroke: var(--graph-edge); stroke-opacity: .75; }
    .graph-edge .hit { stroke: transparent; stroke-width: 12; pointer-events: stroke; }
    .graph-edge.likely .line { stroke-dasharray: 9 4; }
    .graph-edge.weak .line { stroke-dasharray: 2 4; }
    .graph-edge.fail .line { stroke: var(--graph-fail); }
    .graph-edge text {
      font-size: 10.5px; fill: var(--graph-quiet); paint-order: stroke; stroke: var(--graph-ground);
      stroke-width: 3px; stroke-linejoin: round;
    }
    .graph-edge.fail text { fill: var(--graph-fail); }
    .graph-edge:hover .line { stroke: var(--graph-strong); stroke-opacity: 1; }
    .graph-edge:hover text { fill: var(--graph-text); }
    .graph-head { fill: var(--graph-edge); }
    .graph-head.fail { fill: var(--graph-fail); }
    @media print {
      .graph {
        --graph-ground: #fff; --graph-box: #fff; --graph-line: #555; --graph-text: #000;
        --graph-quiet: #333; --graph-edge: #666; --graph-fail: #a00; --graph-outside: #fff;
        --graph-group: #f2f2f2; --graph-focus: #e4e4e4; max-width: 100%; height: auto;
        print-color-adjust: exact; -webkit-print-color-adjust: exact;
      }
    }

    """
}
