internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Reporter

struct UserCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user",
    abstract: "Say who may read the report service.",
    discussion: """
      The file has a line name:hash for each user. Passwords are hashed by yescrypt (crypt(5), as mkpasswd \
      makes them); tokens, for programs, are 256 random bits that are shown once. A running service \
      notices the change by itself.

      Examples:
        sudo renkei user add aiko                        asks for a password, twice
        sudo renkei user add aiko --replace              gives aiko another one
        sudo renkei user add dashboard --token           prints a token, once
        sudo renkei user list
        sudo renkei user remove aiko
        curl -H "Authorization: Bearer rk_…" https://renkei.example:9478/api/v1/hosts
      """,
    subcommands: [Add.self, Remove.self, List.self])

  struct FileOption: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "The users file. Default: \(ServiceConfiguration.defaultUsers).", valueName: "file"))
    var file = ServiceConfiguration.defaultUsers
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let somebody in.",
      discussion: """
        The password has at least \(PasswordHash.passwordLengthMin) characters. Exit status: 0 done, \
        1 an error, 2 wrong usage.
        """)

    @Argument(help: "1 to 64 letters, digits, dots, hyphens and underscores.") var name: String
    @Flag(help: "Make a token for a program instead of asking for a password; print it once.")
    var token = false
    @Flag(name: .customLong("stdin"), help: "Read the password from standard input: one line.")
    var readsInput = false
    @Flag(help: "Give somebody who is there a new password or token.") var replace = false
    @OptionGroup var options: FileOption

    func validate() throws {
      guard UsersFile.isName(name) else {
        throw ValidationError(
          "a name is 1 to 64 letters, digits, dots, hyphens and underscores")
      }
      if token, readsInput { throw ValidationError("--token or --stdin, not both") }
    }

    func run() throws {
      let editor = UsersFileEditor(path: options.file)
      if token {
        let made = UsersFile.token(name: name)
        try editor.apply(.add(line: made.line, replaces: replace))
        print(made.token)
        Terminal.standardError("renkei: \(name) in \(options.file); the token is shown this once\n")
        return
      }
      let password = try readsInput ? PasswordPrompt.line() : PasswordPrompt.ask(for: name)
      if let problem = PasswordPrompt.problem(of: password) { throw RunError(problem) }
      guard let line = UsersFile.line(name: name, password: password) else {
        throw RunError("this machine's crypt(3) makes no yescrypt hash")
      }
      try editor.apply(.add(line: line, replaces: replace))
      Terminal.standardError("renkei: \(name) in \(options.file)\n")
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let somebody in no more.",
      discussion: "Exit status: 0 done, 1 an error (there is no such user, for one), 2 wrong usage."
    )

    @Argument var name: String
    @OptionGroup var options: FileOption

    func run() throws {
      try UsersFileEditor(path: options.file).apply(.remove(name: name))
      Terminal.standardError("renkei: \(Terminal.oneLine(name)) is out of \(options.file)\n")
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Show who may come in.",
      discussion: """
        A line for each: name, "password" or "token", comment. Exit status: 0; 1 where the file can't be \
        read or a line in it is wrong.
        """)

    @OptionGroup var options: FileOption

    func run() throws {
      let file = try UsersFile(path: options.file)
      let width = file.entries.map(\.name.count).max() ?? 0
      for entry in file.entries {
        let name = entry.name + String(repeating: " ", count: width - entry.name.count)
        let comment = entry.comment.map { "  \(Terminal.oneLine($0))" } ?? ""
        print("\(name)  \(entry.isToken ? "token" : "password")\(comment)")
      }
      for problem in file.problems {
        Terminal.standardError("renkei: \(options.file): \(Terminal.oneLine(problem))\n")
      }
      if !file.problems.isEmpty { throw ExitCode(1) }
    }
  }
}
