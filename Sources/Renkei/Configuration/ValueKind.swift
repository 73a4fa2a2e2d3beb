internal import Reporter
internal import ServiceMap
internal import Yams

/// How values of one kind stand in the file: what is expected, how they are read and written.
struct ValueKind<Value: Sendable>: Sendable {
  /// "a size from 64 to 256KiB", for messages and the documentation.
  let expected: String
  /// Reads the value of a key. nil where it is none; parts that are wrong are named in the list.
  let read: @Sendable (Node, _ key: String, _ problems: inout [ConfigurationProblem]) -> Value?
  /// The value as YAML in one line.
  let write: @Sendable (Value) -> String

  init(
    _ expected: String,
    read: @escaping @Sendable (Node, String, inout [ConfigurationProblem]) -> Value?,
    write: @escaping @Sendable (Value) -> String
  ) {
    self.expected = expected
    self.read = read
    self.write = write
  }

  /// One scalar.
  init(
    _ expected: String, scalar: @escaping @Sendable (String) -> Value?,
    write: @escaping @Sendable (Value) -> String
  ) {
    self.init(expected, read: { node, _, _ in node.word.flatMap(scalar) }, write: write)
  }

  /// The same, or nothing at all.
  ///
  /// - Parameter meaning: what nothing means.
  func orNull(_ meaning: String) -> ValueKind<Value?> {
    ValueKind<Value?>(
      "\(expected), or null: \(meaning)",
      read: { node, key, problems in
        if node.isNull { return .some(nil) }
        return read(node, key, &problems).map { .some($0) }
      },
      write: { $0.map(write) ?? "null" })
  }
}

extension ValueKind<Bool> {
  static let flag = ValueKind("true or false", scalar: { Bool.yaml($0) }, write: { "\($0)" })
}

extension ValueKind<Int> {
  static func count(_ range: ClosedRange<Int>) -> ValueKind {
    ValueKind(
      "a whole number from \(range.lowerBound) to \(range.upperBound)",
      scalar: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } },
      write: { "\($0)" })
  }

  static func bytes(_ range: ClosedRange<Int>) -> ValueKind {
    ValueKind(
      "a size from \(Quantity.size(bytes: range.lowerBound)) to "
        + "\(Quantity.size(bytes: range.upperBound))",
      scalar: { text in Quantity.bytes(text).flatMap { range.contains($0) ? $0 : nil } },
      write: { Quantity.size(bytes: $0) })
  }

  static func seconds(_ range: ClosedRange<Int>) -> ValueKind {
    ValueKind(
      "a duration from \(Quantity.duration(seconds: Double(range.lowerBound))) to "
        + "\(Quantity.duration(seconds: Double(range.upperBound))), in whole seconds",
      scalar: { text in
        Quantity.seconds(text).flatMap { Int(exactly: $0) }.flatMap {
          range.contains($0) ? $0 : nil
        }
      },
      write: { Quantity.duration(seconds: Double($0)) })
  }
}

extension ValueKind<Double> {
  static func seconds(_ range: ClosedRange<Double>) -> ValueKind {
    ValueKind(
      "a duration from \(Quantity.duration(seconds: range.lowerBound)) to "
        + Quantity.duration(seconds: range.upperBound),
      scalar: { text in Quantity.seconds(text).flatMap { range.contains($0) ? $0 : nil } },
      write: { Quantity.duration(seconds: $0) })
  }
}

extension ValueKind<String> {
  /// Words; nothing is the empty string.
  static let words = ValueKind(
    "words",
    read: { node, _, _ in node.isNull ? "" : node.word }, write: { YAMLText.quoted($0) })

  static func name(_ expected: String) -> ValueKind {
    ValueKind(
      expected, scalar: { $0.isEmpty || $0.contains("\0") ? nil : $0 },
      write: { YAMLText.quoted($0) })
  }
}

extension ValueKind {
  /// A list, or one by itself; nothing is an empty list.
  ///
  /// - Parameter one: what each is, for messages.
  fileprivate static func list<Item: Sendable>(
    _ expected: String, of one: String, read: @escaping @Sendable (String) -> Item?,
    write: @escaping @Sendable (Item) -> String
  ) -> ValueKind<[Item]> {
    ValueKind<[Item]>(
      expected,
      read: { node, key, problems in
        if node.isNull { return [] }
        if let word = node.word { return read(word).map { [$0] } }
        guard let sequence = node.sequence else { return nil }
        return sequence.enumerated().compactMap { index, item in
          if let word = item.word, !item.isNull, let value = read(word) { return value }
          problems.append(item.problem("\(key)[\(index)]", expected: one))
          return nil
        }
      },
      write: { "[" + $0.map { YAMLText.quoted(write($0)) }.joined(separator: ", ") + "]" })
  }
}

extension ValueKind<[String]> {
  static let files = list("a list of files", of: "a file", read: { $0 }, write: { $0 })
}

extension ValueKind<[Prefix]> {
  static let networks = list(
    "a list of networks, such as [10.0.0.0/8, \"2001:db8::/32\"]",
    of: "a network such as 10.0.0.0/8",
    read: { Prefix($0) }, write: { "\($0)" })
}

extension ValueKind<ListenAddress> {
  static let loopback = ValueKind(
    "ADDRESS:PORT of the loopback, such as 127.0.0.1:9477 or \"[::1]:9477\"",
    scalar: { text in ListenAddress(text).flatMap { $0.isLoopback ? $0 : nil } },
    write: { YAMLText.quoted($0.description) })

  static let listen = ValueKind(
    "ADDRESS:PORT, such as 127.0.0.1:9478 or \"[::]:9478\"",
    scalar: { ListenAddress($0) }, write: { YAMLText.quoted($0.description) })
}
