/// Where the nodes and edges of a graph go.
///
/// Clients stand left, servers right. Graphviz where it is installed, else a layered layout of our own.
public enum GraphLayout {
  /// Graphviz' where it is there and manages, else the layered one.
  public static func best(_ graph: DependencyGraph, text: GraphText) -> GraphDrawing {
    (try? graphviz(graph, text: text)) ?? layered(graph, text: text)
  }

  /// In Swift alone; the same graph gives the same drawing, digit for digit.
  ///
  /// - Complexity: O(sweeps · e²) in the edges between two neighbouring columns.
  public static func layered(_ graph: DependencyGraph, text: GraphText) -> GraphDrawing {
    var drawing = GraphDrawing(graph, text: text)
    var layout = LayeredLayout(drawing)
    layout.place(&drawing)
    drawing.fit()
    return drawing
  }
}
