internal import Foundation
internal import Glibc

/// Changes a users file: one at a time, whole or not at all.
public struct UsersFileEditor {
  public enum Change: Sendable, Equatable {
    /// A line of `UsersFile.line` or `UsersFile.token`. Without `replaces`, a name that is there stays.
    case add(line: String, replaces: Bool)
    case remove(name: String)
  }

  private let path: String

  public init(path: String) { self.path = path }

  /// Makes the change. Other lines stay as they are, comments too.
  ///
  /// A new file is for its owner (0600), or, where root makes it on a machine with the group `renkei`, to be
  /// read by that group as well (0640), as which the service runs. One that is there keeps owner, group and
  /// mode, but what it allows to everybody.
  ///
  /// - Throws: `ServiceError.users`; the file is then as it was.
  public func apply(_ change: Change) throws(ServiceError) {
    let target = realpath(path, nil).map { real in
      defer { free(real) }
      return String(cString: real)
    }
    let file = target ?? path
    let slash = file.lastIndex(of: "/")
    let folder = slash.map { String(file[...$0]) } ?? "."
    // The directory is what is locked: the file itself is replaced.
    let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw failed("cannot be changed", errno) }
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      guard errno == EINTR else { throw failed("cannot be locked", errno) }
    }

    let facts = FileFacts(path: file)
    var lines: [String] = []
    if facts != nil {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw failed("cannot be read", EACCES)
      }
      guard let text = String(validating: data, as: UTF8.self) else {
        throw .users(path: path, reason: "is not in UTF-8")
      }
      lines = UsersFile.lines(of: text).map(String.init)
      if lines.last == "" { lines.removeLast() }
    }
    try edit(&lines, change)
    try replace(file, with: lines.map { $0 + "\n" }.joined(), facts: facts)
  }

  private func edit(_ lines: inout [String], _ change: Change) throws(ServiceError) {
    func places(of name: String) -> [Int] {
      lines.indices.filter { UsersFile.name(ofLine: lines[$0]) == name }
    }
    switch change {
    case .add(let line, let replaces):
      let name = UsersFile.name(ofLine: line) ?? ""
      let old = places(of: name)
      guard old.isEmpty || replaces else {
        throw .users(
          path: path, reason: "\(name) is there already; --replace gives it what is new")
      }
      guard let first = old.first else {
        lines.append(line)
        return
      }
      lines[first] = line
      for place in old.dropFirst().reversed() { lines.remove(at: place) }
    case .remove(let name):
      let old = places(of: name)
      guard !old.isEmpty else { throw .users(path: path, reason: "there is no \(name)") }
      for place in old.reversed() { lines.remove(at: place) }
    }
  }

  private func replace(_ file: String, with text: String, facts: FileFacts?) throws(ServiceError) {
    let temporary = "\(file).\(getpid()).tmp"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failed("cannot be written", errno) }
    let number = fill(descriptor, text, facts: facts)
    close(descriptor)
    guard number == 0, rename(temporary, file) == 0 else {
      let number = number == 0 ? errno : number
      unlink(temporary)
      throw failed("cannot be written", number)
    }
  }

  /// - Returns: errno(3), or 0.
  private func fill(_ descriptor: Int32, _ text: String, facts: FileFacts?) -> Int32 {
    if let facts {
      // Only root may give files away; whoever else may write the directory keeps the file.
      if facts.owner != geteuid() || facts.group != getegid() {
        if fchown(descriptor, facts.owner, facts.group) != 0 { return errno }
      }
      if fchmod(descriptor, facts.mode & 0o770) != 0 { return errno }
    } else if geteuid() == 0, let group = getgrnam("renkei") {
      if fchown(descriptor, 0, group.pointee.gr_gid) != 0 { return errno }
      if fchmod(descriptor, 0o640) != 0 { return errno }
    }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes {
        write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno != EINTR { return errno }
      written += max(0, count)
    }
    // A power cut must not leave an empty file: nobody could come in.
    return fsync(descriptor) == 0 ? 0 : errno
  }

  private func failed(_ what: String, _ number: Int32) -> ServiceError {
    .users(path: path, reason: "\(what): \(String(cString: strerror(number)).lowercased())")
  }
}
