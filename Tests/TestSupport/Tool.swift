internal import Foundation

/// Another program that a test compares with, found in $PATH.
public struct Tool: Sendable {
  public let name: String
  /// nil where it is not installed: `.enabled(if: Tool("tshark").isInstalled)`.
  public let path: String?

  public init(_ name: String) {
    self.name = name
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
    path = folders.map { "\($0)/\(name)" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }

  public var isInstalled: Bool { path != nil }

  /// Runs it to its end.
  public func run(_ arguments: [String]) throws -> Command.Result {
    guard let path else { throw CocoaError(.fileNoSuchFile) }
    return try Command.run(path, arguments)
  }
}
