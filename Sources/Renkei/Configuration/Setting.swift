internal import Yams

/// One key of a configuration: how it is read into a `Root` (`UnitConfiguration`) and written from one.
struct Setting<Root: Sendable>: Sendable {
  /// With its section: `capture.snaplenBytes`.
  let key: String
  let expected: String
  let read: @Sendable (Node, inout Root, inout [ConfigurationProblem]) -> Void
  /// The value as YAML in one line.
  let write: @Sendable (Root) -> String

  init<Value>(
    _ key: String, _ path: any WritableKeyPath<Root, Value> & Sendable,
    _ kind: ValueKind<Value>
  ) {
    self.key = key
    expected = kind.expected
    read = { node, configuration, problems in
      let count = problems.count
      if let value = kind.read(node, key, &problems) {
        configuration[keyPath: path] = value
      } else if problems.count == count {
        problems.append(node.problem(key, expected: kind.expected))
      }
    }
    write = { kind.write($0[keyPath: path]) }
  }

  /// A key that may also be null.
  ///
  /// - Parameter null: what that means.
  init<Value>(
    _ key: String, _ path: any WritableKeyPath<Root, Value?> & Sendable,
    _ kind: ValueKind<Value>, null: String
  ) {
    self.init(key, path, kind.orNull(null))
  }

  /// `capture` of `capture.snaplenBytes`; nil for a key without a section.
  var section: String? {
    key.firstIndex(of: ".").map { String(key[..<$0]) }
  }

  /// `snaplenBytes` of `capture.snaplenBytes`.
  var name: String {
    key.firstIndex(of: ".").map { String(key[key.index(after: $0)...]) } ?? key
  }
}
