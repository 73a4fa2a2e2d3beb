internal import Glibc

/// A file that is there as a whole or not at all.
///
/// Written without a name where its target is (open(2) O_TMPFILE, mode 0644 less the umask), named and
/// renamed at the end: whoever opens the target meets the old report or the new one, and of a process
/// that was killed nothing is left. File systems that have no files without a name get a hidden one. No
/// fsync(2): a report can be made again. A symbolic link to a file is followed and stays; a device, pipe or socket is
/// written in place, since renaming over /dev/null would take it away from everybody.
public enum AtomicOutput {
  /// Calls `body` with a writer to `path`; "-" is the standard output.
  ///
  /// A reader of the standard output that went away (EPIPE) is no error: it had enough.
  ///
  /// - Parameter whenReady: called when nothing is missing but that the report be seen; returns when it
  ///   may be.
  /// - Throws: `ReportError`; the temporary file is gone then and the target as it was.
  public static func write(
    to path: String, whenReady: () -> Void = {}, _ body: (inout ByteWriter) -> Void
  ) throws(ReportError) {
    if path == "-" {
      whenReady()
      let failed = fill(STDOUT_FILENO, body)
      if failed != 0, failed != EPIPE { throw error(failed, at: path) }
      return
    }
    var status = stat()
    if stat(path, &status) == 0 {
      let type = status.st_mode & S_IFMT
      if type == S_IFDIR || path.hasSuffix("/") { throw error(EISDIR, at: path) }
      if access(path, W_OK) != 0 { throw error(errno, at: path) }
      if type != S_IFREG {
        whenReady()
        return try writeInPlace(path, body)
      }
    } else if errno != ENOENT {
      throw error(errno, at: path)
    } else if path.isEmpty || path.hasSuffix("/") {
      throw error(path.isEmpty ? ENOENT : EISDIR, at: path)
    }

    let target = resolved(path)
    let slash = target.lastIndex(of: "/")
    let folder = slash.map { String(target[...$0]) } ?? "."
    let nameless = open(folder, AtomicOutput.withoutName | O_WRONLY | O_CLOEXEC, 0o644)
    var temporary =
      nameless >= 0 ? (descriptor: nameless, path: "") : try create(beside: target, named: path)
    var failed = fill(temporary.descriptor, body)
    if failed == 0 {
      whenReady()
      if temporary.path.isEmpty {
        temporary.path = try name(temporary.descriptor, beside: target, named: path)
      }
    }
    // Some file systems report a full disk at close only.
    if close(temporary.descriptor) != 0, failed == 0 { failed = errno }
    if failed == 0, rename(temporary.path, target) != 0 { failed = errno }
    if failed != 0 {
      if !temporary.path.isEmpty { unlink(temporary.path) }
      throw error(failed, at: path)
    }
  }

  /// O_TMPFILE of open(2), a macro of macros that Swift can't import.
  private static let withoutName = 0o20_000_000 | O_DIRECTORY

  /// Gives the file behind `descriptor` a hidden name.
  private static func name(
    _ descriptor: Int32, beside target: String, named path: String
  ) throws(ReportError) -> String {
    for temporary in hiddenNames(beside: target) {
      // The way for those who may not link descriptors themselves (open(2)).
      let own = "/proc/self/fd/\(descriptor)"
      if linkat(AT_FDCWD, own, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) == 0 { return temporary }
      if errno != EEXIST { break }
    }
    let failed = errno
    close(descriptor)
    throw error(failed, at: path)
  }

  /// Writes all of `body` to `descriptor` and returns errno(3), or 0.
  private static func fill(_ descriptor: Int32, _ body: (inout ByteWriter) -> Void) -> Int32 {
    var writer = ByteWriter(descriptor: descriptor)
    body(&writer)
    writer.flush()
    return writer.errorNumber
  }

  private static func writeInPlace(
    _ path: String, _ body: (inout ByteWriter) -> Void
  ) throws(ReportError) {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw error(errno, at: path) }
    var failed = fill(descriptor, body)
    if close(descriptor) != 0, failed == 0 { failed = errno }
    if failed != 0, failed != EPIPE { throw error(failed, at: path) }
  }

  /// The path behind symbolic links; `path` itself where it does not exist yet.
  private static func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }

  private static func create(
    beside target: String, named path: String
  ) throws(ReportError) -> (descriptor: Int32, path: String) {
    for temporary in hiddenNames(beside: target) {
      let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      if descriptor >= 0 { return (descriptor, temporary) }
      if errno != EEXIST { throw error(errno, at: path) }
    }
    throw error(EEXIST, at: path)
  }

  private static func hiddenNames(beside target: String) -> [String] {
    let slash = target.lastIndex(of: "/")
    let folder = slash.map { String(target[...$0]) } ?? ""
    let name = slash.map { target[target.index(after: $0)...] } ?? target[...]
    // Names may have 255 bytes (NAME_MAX), and a scalar at most four; a `Character` may have more.
    let start = "\(folder).\(String(name.unicodeScalars.prefix(50))).\(getpid())"
    return (0..<100).map { "\(start).\($0).tmp" }
  }

  private static func error(_ number: Int32, at path: String) -> ReportError {
    let shown = path == "-" ? "the standard output" : "\"\(path)\""
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    // Some places, /proc for one, say ENOENT where they mean that nothing can be made in them.
    let isThere = access(folder.isEmpty ? "/" : folder, F_OK) == 0
    switch number {
    case EISDIR:
      return ReportError(
        .isDirectory, path: path, errorNumber: number,
        "cannot write the report to \(shown): it is a directory; name a file in it")
    case ENOENT where !isThere, ENOTDIR:
      return ReportError(
        .noDirectory, path: path, errorNumber: number,
        "cannot write the report to \(shown): there is no directory \"\(folder)\"; "
          + "create it or choose another path")
    case EACCES, EPERM, EROFS, ETXTBSY, ENOENT:
      return ReportError(
        .notWritable, path: path, errorNumber: number,
        "cannot write the report to \(shown): \(system(number)); "
          + "choose a path that you may write")
    case ENOSPC, EDQUOT, EFBIG:
      return ReportError(
        .noSpace, path: path, errorNumber: number,
        "cannot write the report to \(shown): \(system(number)); free some or choose another path")
    default:
      return ReportError(
        .system, path: path, errorNumber: number,
        "cannot write the report to \(shown): \(system(number)); choose another path")
    }
  }

  private static func system(_ number: Int32) -> String {
    String(cString: strerror(number)).lowercased()
  }
}
