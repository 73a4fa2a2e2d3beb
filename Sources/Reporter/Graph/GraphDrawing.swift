/// A graph with a place for everything: what a layout gives and a picture is made of.
///
/// Units: CSS pixels, y downwards, the origin at the upper left.
public struct GraphDrawing: Sendable {
  struct Point: Equatable, Sendable {
    var x: Double
    var y: Double
  }

  /// A node's box; `x` and `y` are its middle.
  struct Box: Equatable, Sendable {
    var x = 0.0
    var y = 0.0
    let width: Double
    let height: Double
    /// What stands in it, already cut to fit.
    let title: String
    let subtitle: String?

    var left: Double { x - width / 2 }
    var right: Double { x + width / 2 }
  }

  public let graph: DependencyGraph
  /// By index of the node.
  var boxes: [Box]
  /// By index of the edge: a start and then three points for each cubic Bézier curve (start + 3n), which end
  /// where the arrow's head begins. Empty for what stays within one node.
  var paths: [[Point]]
  var width = 0.0
  var height = 0.0

  /// Services are written on the edges where they are few; else they would hide the picture.
  var hasEdgeLabels: Bool { graph.edges.count <= 30 }
  /// Room between columns that those texts take.
  static let edgeLabelWidth = 140.0

  static let fontSize = 12.0
  static let subtitleFontSize = 10.5
  /// Length of an arrow's head.
  static let arrowLength = 8.0
  private static let padding = 10.0
  private static let textWidthMax = 190.0

  /// Boxes of the size of their texts, at no place yet.
  init(_ graph: DependencyGraph, text: GraphText) {
    self.graph = graph
    boxes = graph.nodes.map { node in
      let max = GraphDrawing.textWidthMax
      let title = GraphText.cut(text.title(of: node), widthMax: max / GraphDrawing.fontSize)
      let subtitle = text.subtitle(of: node).map {
        GraphText.cut($0, widthMax: max / GraphDrawing.subtitleFontSize)
      }
      let wanted =
        Swift.max(
          GraphText.width(of: title) * GraphDrawing.fontSize,
          GraphText.width(of: subtitle ?? "") * GraphDrawing.subtitleFontSize)
        + 2 * GraphDrawing.padding
      // Few widths, so that columns look even.
      let width = Swift.max(100, (wanted / 20).rounded(.up) * 20)
      return Box(width: width, height: subtitle == nil ? 28 : 42, title: title, subtitle: subtitle)
    }
    paths = [[Point]](repeating: [], count: graph.edges.count)
  }

  /// Moves everything so that it begins at a margin, and takes the size from what is there.
  mutating func fit(margin: Double = 14) {
    let points = paths.joined()
    let left = min(boxes.map(\.left).min() ?? 0, points.map(\.x).min() ?? .infinity)
    // Loops stand above their boxes.
    let top = min(
      boxes.map { $0.y - $0.height / 2 }.min() ?? 0, points.map(\.y).min() ?? .infinity)
    for index in boxes.indices {
      boxes[index].x += margin - left
      boxes[index].y += margin - top
    }
    for path in paths.indices {
      for point in paths[path].indices {
        paths[path][point].x += margin - left
        paths[path][point].y += margin - top
      }
    }
    let all = paths.joined()
    width = max(boxes.map(\.right).max() ?? 0, all.map(\.x).max() ?? 0) + margin
    height = max(boxes.map { $0.y + $0.height / 2 }.max() ?? 0, all.map(\.y).max() ?? 0) + margin
  }
}
