/// Why a report could not be written.
///
/// The description is one line for the operator: what, where, what to do.
public struct ReportError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What went wrong, for programs.
  public enum Code: Equatable, Sendable {
    /// The target is a directory.
    case isDirectory
    /// The folder of the target does not exist.
    case noDirectory
    /// The target or its folder may not be written.
    case notWritable
    /// There is no room left, or a quota or file size limit is reached.
    case noSpace
    /// Anything else the system said.
    case system
  }

  public let code: Code
  /// The target as the caller named it.
  public let path: String
  /// errno(3) of the call that failed, or the one that says it best.
  public let errorNumber: Int32
  public let description: String

  init(_ code: Code, path: String, errorNumber: Int32, _ description: String) {
    self.code = code
    self.path = path
    self.errorNumber = errorNumber
    self.description = description
  }
}
