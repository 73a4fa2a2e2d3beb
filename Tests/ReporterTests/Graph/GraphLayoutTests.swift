import Foundation
import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Reporter

@Suite struct GraphLayoutTests {
  private static func graph(_ map: ServiceMap, _ options: GraphOptions) -> DependencyGraph {
    DependencyGraph(
      map: map, labels: Labels(map: map, names: FakeMap.serviceNames),
      grouping: GraphGrouping(HostGroups(map: map, directory: HostDirectory())), options: options)
  }

  static let graphs: [DependencyGraph] = [
    graph(FakeMap.small(), GraphOptions()),
    graph(FakeMap.small(), GraphOptions(level: .host)),
    graph(FakeMap.big(hosts: 16_000, relations: 20_000), GraphOptions()),
    graph(FakeMap.big(hosts: 300, relations: 500, seed: 2), GraphOptions(level: .host)),
    graph(
      FakeMap.big(hosts: 4000, relations: 20_000, seed: 4),
      GraphOptions(focus: IPAddress("10.0.0.1")!)),
    DependencyGraph(nodes: [], edges: []),
  ]

  private func overlaps(_ drawing: GraphDrawing) -> Int {
    var count = 0
    for (index, one) in drawing.boxes.enumerated() {
      for other in drawing.boxes[..<index]
      where abs(one.x - other.x) < (one.width + other.width) / 2
        && abs(one.y - other.y) < (one.height + other.height) / 2
      {
        count += 1
      }
    }
    return count
  }

  private func check(_ drawing: GraphDrawing) {
    #expect(overlaps(drawing) == 0)
    for box in drawing.boxes {
      #expect(box.left >= 0 && box.right <= drawing.width)
      #expect(box.y - box.height / 2 >= 0 && box.y + box.height / 2 <= drawing.height)
    }
    for (edge, path) in zip(drawing.graph.edges, drawing.paths) {
      if edge.from == edge.to {
        #expect(path.isEmpty)
        continue
      }
      #expect(path.count >= 4 && path.count % 3 == 1)
      // It touches both boxes, but for the arrow's head.
      for (point, node) in [(path[0], edge.from), (path[path.count - 1], edge.to)] {
        let box = drawing.boxes[node]
        let away = max(abs(point.x - box.x) - box.width / 2, abs(point.y - box.y) - box.height / 2)
        #expect(away <= GraphDrawing.arrowLength + 2, "\(edge.from)>\(edge.to)")
      }
    }
  }

  @Test("in layers: no boxes overlap, edges lead from box to box", arguments: graphs.indices)
  func layered(index: Int) {
    check(GraphLayout.layered(GraphLayoutTests.graphs[index], text: GraphText(.en)))
  }

  @Test("in layers: the same graph gives the same picture")
  func deterministic() {
    for graph in GraphLayoutTests.graphs {
      let pictures = (0..<2).map { _ in
        let text = GraphText(.ja)
        return GraphSVG(GraphLayout.layered(graph, text: text), text: text).markup()
      }
      #expect(pictures[0] == pictures[1])
    }
  }

  @Test("in layers: who only asks stands left of whom it asks")
  func direction() {
    let graph = GraphLayoutTests.graph(
      FakeMap.big(hosts: 100, relations: 60, seed: 9), GraphOptions(level: .host))
    let drawing = GraphLayout.layered(graph, text: GraphText(.en))
    let sources = Set(graph.nodes.indices).subtracting(graph.edges.map(\.to))
    for edge in graph.edges where sources.contains(edge.from) && edge.from != edge.to {
      #expect(drawing.boxes[edge.from].x < drawing.boxes[edge.to].x)
    }
  }

  @Test(
    "by Graphviz: the same holds", .enabled(if: Tool("dot").isInstalled), arguments: graphs.indices)
  func graphviz(index: Int) throws {
    check(try GraphLayout.graphviz(GraphLayoutTests.graphs[index], text: GraphText(.en)))
  }

  @Test("a Graphviz that is missing, fails, talks nonsense, or never ends is told, in time")
  func badGraphviz() throws {
    let folder = TemporaryFolder()
    func script(_ name: String, _ text: String) throws -> String {
      let path = folder[name]
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
      return path
    }
    let cases: [(String, GraphvizError.Code)] = [
      (folder["missing"], .missing),
      (try script("fails", "#!/bin/sh\nexit 3\n"), .failed),
      (try script("nonsense", "#!/bin/sh\necho graph 1 2 3\necho node n0 inf nan 1 1\n"), .failed),
      (try script("foreign", "#!/bin/sh\necho node n99 1 1 1 1\n"), .failed),
      (try script("endless", "#!/bin/sh\nexec yes\n"), .tooLarge),
      (try script("silent", "#!/bin/sh\nexec sleep 60\n"), .tooLarge),
    ]
    for (path, code) in cases {
      let began = ContinuousClock.now
      let error = #expect(throws: GraphvizError.self) {
        try GraphLayout.graphviz(GraphLayoutTests.graphs[0], text: GraphText(.en), path: path)
      }
      #expect(error?.code == code, "\(path)")
      #expect(ContinuousClock.now - began < .seconds(10))
    }
  }

  @Test("the nearest sequence that never falls", arguments: 0..<50)
  func monotone(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let values = (0..<6).map { _ in Double(generator.next() % 8) }
    let result = LayeredLayout.monotone(values)
    #expect(zip(result, result.dropFirst()).allSatisfy { $0 <= $1 })
    func cost(_ candidate: [Double]) -> Double {
      zip(values, candidate).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    // No sequence of whole numbers is better.
    var best = Double.infinity
    func search(_ prefix: [Double]) {
      if prefix.count == values.count {
        best = min(best, cost(prefix))
        return
      }
      for next in stride(from: prefix.last ?? 0, through: 7, by: 1) { search(prefix + [next]) }
    }
    search([])
    #expect(cost(result) <= best + 1e-9)
  }
}
