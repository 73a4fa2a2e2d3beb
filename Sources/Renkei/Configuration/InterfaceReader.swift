internal import Yams

/// Reads one interface of the list.
enum InterfaceReader {
  private static let keys = ["name", "collectors"]
  private static let collectors = ValueKind<Int>.count(1...16)
  /// IFNAMSIZ of netdevice(7) less the NUL.
  private static let nameBytesMax = 15

  /// nil where it is none; what is wrong is named then.
  static func read(
    _ node: Node, _ key: String, _ problems: inout [ConfigurationProblem]
  ) -> UnitConfiguration.Interface? {
    guard let mapping = node.mapping else {
      return name(node, key, &problems).map { .init(name: $0) }
    }
    var interface = UnitConfiguration.Interface(name: "")
    for (keyNode, value) in mapping {
      switch keyNode.word {
      case "name":
        guard let name = name(value, "\(key).name", &problems) else { return nil }
        interface.name = name
      case "collectors":
        let own = "\(key).collectors"
        if let count = collectors.read(value, own, &problems) {
          interface.collectors = count
        } else {
          problems.append(value.problem(own, expected: collectors.expected))
        }
      default:
        problems.append(.unknown(keyNode, in: key, known: keys))
      }
    }
    if interface.name.isEmpty {
      problems.append(ConfigurationProblem(line: node.line, text: "\(key): no name"))
      return nil
    }
    return interface
  }

  private static func name(
    _ node: Node, _ key: String, _ problems: inout [ConfigurationProblem]
  ) -> String? {
    // What dev_valid_name of Linux takes.
    if !node.isNull, let word = node.word, (1...nameBytesMax).contains(word.utf8.count),
      !word.contains(where: { $0 == "/" || $0 == ":" || $0.isWhitespace }), word != ".",
      word != ".."
    {
      return word
    }
    problems.append(
      node.problem(key, expected: "the name of an interface, at most \(nameBytesMax) bytes"))
    return nil
  }
}
