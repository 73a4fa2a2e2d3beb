internal import Foundation
internal import Glibc

/// Why Graphviz gave no layout.
public struct GraphvizError: Error, CustomStringConvertible {
  public enum Code: Sendable {
    /// It is not installed.
    case missing
    /// It took too long, or its answer was too long.
    case tooLarge
    /// It failed, or its answer can't be read.
    case failed
  }

  public let code: Code
  public let description: String
}

extension GraphLayout {
  /// Where Debian and others put it. Not looked for in PATH: a service's is not the operator's.
  public static let graphvizPath = "/usr/bin/dot"
  private static let secondsMax = 5.0
  private static let answerBytesMax = 8 << 20

  /// By dot(1), as a child process that reads the graph from a pipe and answers in its plain form.
  ///
  /// Blocks for as long as that takes, at most 5 s.
  ///
  /// - Throws: `GraphvizError`. The child is gone then.
  public static func graphviz(
    _ graph: DependencyGraph, text: GraphText, path: String = graphvizPath
  ) throws(GraphvizError) -> GraphDrawing {
    var drawing = GraphDrawing(graph, text: text)
    if graph.nodes.isEmpty {
      drawing.fit()
      return drawing
    }
    let answer = try BoundedChild.output(
      of: path, ["-Tplain"], input: question(drawing), secondsMax: secondsMax,
      bytesMax: answerBytesMax)
    guard GraphLayout.read(answer, into: &drawing) else {
      throw GraphvizError(code: .failed, description: "\(path): answered something else")
    }
    drawing.fit()
    return drawing
  }

  /// The graph in DOT with boxes of fixed size and without any text: dot has nothing to escape or to
  /// measure.
  private static func question(_ drawing: GraphDrawing) -> String {
    func inches(_ pixels: Double) -> String { "\(Int(pixels.rounded()) / 72).\(fraction(pixels))" }
    func fraction(_ pixels: Double) -> String {
      let text = String(Int(pixels.rounded()) % 72 * 10_000 / 72)
      return String(repeating: "0", count: 4 - text.count) + text
    }
    var text = """
      digraph {
      graph [rankdir=LR nodesep=0.2 ranksep=\(columnGap(drawing)) splines=true]
      node [shape=box fixedsize=true label=""]
      edge [arrowsize=0.8]

      """
    for (index, box) in drawing.boxes.enumerated() {
      text += "n\(index) [width=\(inches(box.width)) height=\(inches(box.height))]\n"
    }
    let length = minimalLengths(drawing.graph)
    for (index, edge) in drawing.graph.edges.enumerated() where edge.from != edge.to {
      // Heavier edges are kept straighter.
      let weight = 1 + (64 - edge.bytes.leadingZeroBitCount) / 12
      text += "n\(edge.from) -> n\(edge.to) [weight=\(weight) minlen=\(length[index])]\n"
    }
    return text + "}\n"
  }

  /// Inches: room for the edges' texts, or for many edges, which else would be steep.
  private static func columnGap(_ drawing: GraphDrawing) -> String {
    if drawing.hasEdgeLabels { return "2.2" }
    let tenths = 9 + min(20, drawing.graph.edges.count / 10)
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// By edge: 1, or more for some of those who ask a node that very many ask, so that they stand in several columns
  /// rather than in one that no screen shows. What unflatten(1) does.
  private static func minimalLengths(_ graph: DependencyGraph) -> [Int] {
    var degree = [Int](repeating: 0, count: graph.nodes.count)
    for edge in graph.edges where edge.from != edge.to {
      degree[edge.from] += 1
      degree[edge.to] += 1
    }
    var leaves = [Int](repeating: 0, count: graph.nodes.count)
    return graph.edges.map { edge in
      guard edge.from != edge.to, degree[edge.from] == 1 || degree[edge.to] == 1 else { return 1 }
      let middle = degree[edge.from] == 1 ? edge.to : edge.from
      leaves[middle] += 1
      return 1 + (leaves[middle] - 1) / 14 % 3
    }
  }

  /// Reads `-Tplain`: lines of words; inches from the lower left; names are ours.
  ///
  /// Source: dot(1), https://graphviz.org/docs/outputs/plain/
  private static func read(_ answer: [UInt8], into drawing: inout GraphDrawing) -> Bool {
    var edgeAt: [[Int]: Int] = [:]
    for (index, edge) in drawing.graph.edges.enumerated() { edgeAt[[edge.from, edge.to]] = index }
    func node(_ word: Substring) -> Int? {
      word.first == "n"
        ? Int(word.dropFirst()).flatMap {
          drawing.boxes.indices.contains($0) ? $0 : nil
        } : nil
    }
    func pixels(_ word: Substring) -> Double? {
      Double(word).flatMap { $0.isFinite && abs($0) < 1e5 ? $0 * 72 : nil }
    }
    var placed = 0
    for line in String(decoding: answer, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      switch words.first {
      case "node":
        guard words.count > 3, let index = node(words[1]), let x = pixels(words[2]),
          let y = pixels(words[3])
        else { return false }
        drawing.boxes[index].x = x
        drawing.boxes[index].y = -y
        placed += 1
      case "edge":
        guard words.count > 3, let from = node(words[1]), let to = node(words[2]),
          let edge = edgeAt[[from, to]], let count = Int(words[3]), count >= 4, count % 3 == 1,
          words.count >= 4 + 2 * count
        else { return false }
        let numbers = words[4..<(4 + 2 * count)].compactMap(pixels)
        guard numbers.count == 2 * count else { return false }
        drawing.paths[edge] = stride(from: 0, to: numbers.count, by: 2).map {
          .init(x: numbers[$0], y: -numbers[$0 + 1])
        }
      default: break
      }
    }
    return placed == drawing.boxes.count
  }
}

/// A child process that answers one question, within bounds.
private enum BoundedChild {
  static func output(
    of path: String, _ arguments: [String], input: String, secondsMax: Double, bytesMax: Int
  ) throws(GraphvizError) -> [UInt8] {
    guard access(path, X_OK) == 0 else {
      throw GraphvizError(code: .missing, description: "\(path) is not there")
    }
    // A socket both ways: unlike pipe(2) it comes closed on exec, so that no other child keeps it open.
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw failed(path, errno) }
    let own = ends[0]
    defer { close(own) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var words = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    // Numbers with a point, whatever the operator's language; and nothing of what he has in his.
    var environment = [strdup("LC_ALL=C"), strdup("PATH=/usr/bin:/bin"), nil]
    defer { for word in environment { free(word) } }
    var pid: pid_t = 0
    let status = posix_spawn(&pid, path, &actions, &attributes, &words, &environment)
    close(ends[1])
    guard status == 0 else { throw failed(path, status) }

    let (answer, isWhole) = converse(
      own, Array(input.utf8)[...], secondsMax: secondsMax, bytesMax: bytesMax)
    if !isWhole { kill(pid, SIGKILL) }
    var end: Int32 = 0
    while waitpid(pid, &end, 0) < 0 && errno == EINTR {}
    guard isWhole else {
      throw GraphvizError(code: .tooLarge, description: "\(path) took too long or said too much")
    }
    guard end == 0 else { throw GraphvizError(code: .failed, description: "\(path) failed") }
    return answer
  }

  /// Says `question` and takes what comes until the end; not whole where time or room ran out.
  private static func converse(
    _ socket: Int32, _ question: ArraySlice<UInt8>, secondsMax: Double, bytesMax: Int
  ) -> (answer: [UInt8], isWhole: Bool) {
    let end = ContinuousClock.now + .seconds(secondsMax)
    var question = question
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while answer.count <= bytesMax {
      let left = ContinuousClock.now.duration(to: end)
      guard left > .zero else { return (answer, false) }
      let ms = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
      let wanted = POLLIN | (question.isEmpty ? 0 : POLLOUT)
      var waiting = pollfd(fd: socket, events: Int16(wanted), revents: 0)
      if poll(&waiting, 1, Int32(ms) + 1) <= 0 { continue }
      if waiting.revents & Int16(POLLOUT) != 0 {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let sent = question.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, flags) }
        if sent > 0 {
          question = question.dropFirst(sent)
        } else if errno != EAGAIN && errno != EINTR {
          // It listens no more; what it has to say may come yet.
          question = []
        }
        if question.isEmpty { shutdown(socket, Int32(SHUT_WR)) }
      }
      guard waiting.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { continue }
      let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count == 0 { return (answer, true) }
      if count < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        // A child that went away without reading resets the connection.
        return (answer, errno == ECONNRESET)
      }
      answer += buffer[..<count]
    }
    return (answer, false)
  }

  private static func failed(_ path: String, _ number: Int32) -> GraphvizError {
    GraphvizError(code: .failed, description: "\(path): \(String(cString: strerror(number)))")
  }
}
