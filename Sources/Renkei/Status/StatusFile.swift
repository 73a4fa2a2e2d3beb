internal import Foundation
internal import Glibc

/// `status.json` in the unit's directory.
enum StatusFile {
  static let name = "status.json"

  /// After this long without a new status the supervisor hangs: it writes one each second.
  static let staleAfterSeconds = 5.0

  static func path(in directory: String) -> String { "\(directory)/\(name)" }
}

/// Why there is no status to show.
enum StatusFileError: Error, Equatable, CustomStringConvertible {
  case missing(path: String)
  case unreadable(path: String, reason: String)

  var description: String {
    switch self {
    case .missing(let path): "there is no \(path)"
    case .unreadable(let path, let reason): "\(path): \(reason)"
    }
  }
}

extension UnitStatus {
  /// Writes the status for others to read. They find the last one or this one, never half of it.
  ///
  /// Only one process may write to a directory. Not synced to the disk: after a power cut there is
  /// nothing to tell.
  ///
  /// - Throws: `RunError`; the last status is still there then.
  func write(to directory: String) throws {
    let json = try json()
    let path = StatusFile.path(in: directory)
    let temporary = "\(directory)/.\(StatusFile.name).new"
    func failed() -> RunError {
      RunError("cannot write \(path): \(String(cString: strerror(errno)).lowercased())")
    }
    let descriptor = open(
      temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failed() }
    // Who may read it is decided by the directory, not by the umask: no address is in it.
    fchmod(descriptor, 0o644)
    var rest = json[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else {
        let error = failed()
        close(descriptor)
        unlink(temporary)
        throw error
      }
      rest = rest.dropFirst(written)
    }
    close(descriptor)
    guard rename(temporary, path) == 0 else { throw failed() }
  }

  /// The status as JSON, keys in order.
  func json() throws -> [UInt8] {
    return [UInt8](try JSONEncoder.ofStatus.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// - Throws: `StatusFileError`.
  static func read(from directory: String) throws(StatusFileError) -> UnitStatus {
    let path = StatusFile.path(in: directory)
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      if access(path, F_OK) != 0, errno == ENOENT { throw .missing(path: path) }
      throw .unreadable(path: path, reason: (error as NSError).localizedDescription)
    }
    return try decode(data, path: path)
  }

  private static func decode(
    _ data: Data, path: String
  ) throws(StatusFileError) -> UnitStatus {
    struct Version: Decodable { let version: Int }
    do {
      let decoder = JSONDecoder()
      decoder.nonConformingFloatDecodingStrategy = .convertFromString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      let version = try decoder.decode(Version.self, from: data).version
      guard version == currentVersion else {
        throw StatusFileError.unreadable(
          path: path,
          reason: "version \(version) of another renkei; this one reads version \(currentVersion)")
      }
      return try decoder.decode(UnitStatus.self, from: data)
    } catch let error as StatusFileError {
      throw error
    } catch {
      throw .unreadable(path: path, reason: "not a status")
    }
  }
}
