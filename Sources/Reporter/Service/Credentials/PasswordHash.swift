internal import CCrypt
internal import Glibc

/// Hashes of passwords as crypt(5) has them: yescrypt for new ones, and whatever else of libxcrypt's strong
/// methods a file has.
public enum PasswordHash {
  /// Characters that a password must have. NIST SP 800-63B asks for 8; whoever guesses here has a slow
  /// hash and ten tries a minute before them, whoever has stolen the file only the hash.
  public static let passwordLengthMin = 12
  /// crypt(3) takes 512 bytes with the terminating zero.
  public static let passwordBytesMax = 511

  /// The hash of a password with a salt of its own.
  ///
  /// - Returns: nil where the library lacks yescrypt, or the password can't be one.
  /// - Complexity: some 25 ms and 16 MiB, on purpose.
  public static func make(_ password: String) -> String? {
    guard let setting = setting() else { return nil }
    return hash(password, setting: setting)
  }

  /// Whether the hash is that of the password. Takes as long whether it is or not.
  static func verify(_ password: String, _ stored: String) -> Bool {
    guard let hash = hash(password, setting: stored) else { return false }
    return isEqual(Array(hash.utf8), Array(stored.utf8))
  }

  /// Whether this library can verify it and it isn't one of the methods that are too weak today.
  static func isUsable(_ stored: String) -> Bool { crypt_checksalt(stored) == CRYPT_SALT_OK }

  /// Method, cost and a fresh salt.
  static func setting() -> String? {
    guard let text = crypt_gensalt_ra("$y$", 0, nil, 0) else { return nil }
    defer { free(text) }
    return String(cString: text)
  }

  /// In constant time for inputs of one length.
  static func isEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    guard one.count == other.count else { return false }
    var difference: UInt8 = 0
    for (left, right) in zip(one, other) { difference |= left ^ right }
    return difference == 0
  }

  private static func hash(_ password: String, setting: String) -> String? {
    let count = password.utf8.count
    guard count <= passwordBytesMax, !password.utf8.contains(0) else { return nil }
    // struct crypt_data is exactly 32 KiB (crypt.h), and Swift can't import its largest field.
    let bytes = 32_768
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    defer {
      explicit_bzero(scratch, bytes)
      scratch.deallocate()
    }
    memset(scratch, 0, bytes)
    guard let result = crypt_rn(password, setting, scratch, Int32(bytes)) else { return nil }
    return String(cString: result)
  }
}
