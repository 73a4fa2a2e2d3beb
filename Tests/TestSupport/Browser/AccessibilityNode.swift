/// What assistive technology is told of an element (https://w3c.github.io/core-aam/).
public struct AccessibilityNode: Sendable {
  /// table, columnheader, link, …
  public let role: String
  /// What is read out for it.
  public let name: String
  /// How deep it is in the tree: 0 is the document.
  public let depth: Int
  /// focusable, sort, expanded, … as text.
  public let properties: [String: String]

  /// The nodes of `Accessibility.getFullAXTree`, parents before their children; without those that
  /// assistive technology ignores.
  static func inOrder(_ nodes: [[String: Any]]) -> [AccessibilityNode] {
    var byId: [String: [String: Any]] = [:]
    for node in nodes { if let id = node["nodeId"] as? String { byId[id] = node } }
    var found: [AccessibilityNode] = []
    var open: [(id: String, depth: Int)] =
      nodes.first.flatMap { $0["nodeId"] as? String }
      .map { [($0, 0)] } ?? []
    while let (id, depth) = open.popLast() {
      guard let node = byId[id] else { continue }
      let isIgnored = node["ignored"] as? Bool == true
      if !isIgnored {
        found.append(
          AccessibilityNode(
            role: text(node["role"]), name: text(node["name"]), depth: depth,
            properties: Dictionary(
              (node["properties"] as? [[String: Any]] ?? []).map {
                ($0["name"] as? String ?? "", text($0["value"]))
              }, uniquingKeysWith: { first, _ in first })))
      }
      let children = node["childIds"] as? [String] ?? []
      open += children.reversed().map { ($0, isIgnored ? depth : depth + 1) }
    }
    return found
  }

  /// The nodes under the one at `index`.
  public static func inside(
    _ index: Int, of nodes: [AccessibilityNode]
  ) -> ArraySlice<AccessibilityNode> {
    nodes[(index + 1)...].prefix { $0.depth > nodes[index].depth }
  }

  private static func text(_ value: Any?) -> String {
    ((value as? [String: Any])?["value"]).map { "\($0)" } ?? ""
  }
}
