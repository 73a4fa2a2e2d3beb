internal import ArgumentParser
internal import Glibc
internal import ServiceMap

/// The operator's word on roles: `--roles`.
struct RolesOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Roles that you know better, one a line: 10.0.0.5:8080/tcp: server. See docs/roles-file.md.",
      valueName: "file"))
  var roles: String?

  /// What the file says; nothing where there is none.
  ///
  /// - Throws: `RoleOverridesError`, one line for the operator.
  func overrides() throws -> RoleOverrides {
    guard let roles else { return RoleOverrides() }
    return try RoleOverrides(path: roles)
  }

  /// Checks a file that will be read a second time, by the reporter's process: a pipe would be empty
  /// by then, and its roles lost without a word.
  ///
  /// - Throws: `RunError` where it is a pipe or a device; as `overrides`.
  func check() throws {
    guard let roles else { return }
    var facts = stat()
    if stat(roles, &facts) == 0, ![S_IFREG, S_IFDIR].contains(facts.st_mode & S_IFMT) {
      throw RunError(
        "--roles \(roles): is no regular file, and an audit reads it twice; save it to a file first"
      )
    }
    _ = try overrides()
  }
}
