internal import Foundation
internal import Glibc

/// The key of pseudonyms in a file: 64 hexadecimal digits, for its owner's eyes alone.
public enum AnonymousKey {
  /// Reads the key, or makes a new one where there is no file.
  ///
  /// - Returns: the key, and whether it is new.
  /// - Throws: `StoreError` where the file is not one of this form, others may read it, or it can't be made.
  public static func readOrMake(path: String) throws -> (key: [UInt8], isNew: Bool) {
    func refuse(_ reason: String) -> StoreError {
      StoreError(path: path, action: "use the key of", reason: reason)
    }
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      guard errno == ENOENT else { throw refuse(String(cString: strerror(errno))) }
      return (try make(path: path, refuse), true)
    }
    guard facts.st_mode & S_IFMT == S_IFREG else { throw refuse("it is no regular file") }
    guard facts.st_mode & 0o077 == 0 else {
      throw refuse("others may read the key; chmod 600 \(path), if it is still secret")
    }
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw refuse("the key can't be read")
    }
    let digits = String(decoding: bytes, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines).utf8.map { UInt8($0) }
    let values = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard values.count == digits.count, values.count == 2 * AddressPseudonyms.keyBytes else {
      throw refuse("a key is 64 hexadecimal digits")
    }
    let key = stride(from: 0, to: values.count, by: 2).map {
      UInt8(values[$0] << 4 | values[$0 + 1])
    }
    return (key, false)
  }

  private static func make(
    path: String, _ refuse: (String) -> StoreError
  ) throws -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    let key = (0..<AddressPseudonyms.keyBytes).map { _ in
      UInt8.random(in: 0...UInt8.max, using: &generator)
    }
    let text = key.map { String(format: "%02x", $0) }.joined() + "\n"
    // Never somebody else's file, and never readable, not for a moment.
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw refuse(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    guard write(descriptor, text, text.utf8.count) == text.utf8.count, fsync(descriptor) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(path)
      throw refuse(reason)
    }
    return key
  }
}
