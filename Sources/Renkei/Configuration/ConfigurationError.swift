/// One thing that is wrong in a configuration file.
struct ConfigurationProblem: Equatable, Sendable, CustomStringConvertible {
  /// nil where it concerns the whole file.
  let line: Int?
  let text: String

  var description: String { line.map { "line \($0): \(text)" } ?? text }
}

/// A configuration that can't be used, with everything that is wrong in it.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  let path: String
  let problems: [ConfigurationProblem]

  var description: String {
    "\(path): " + problems.map(\.description).joined(separator: "; ")
  }
}
