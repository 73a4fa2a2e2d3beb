internal import Crypto
internal import Foundation
internal import Glibc

/// Who may come in: the lines `name:hash[:comment]` of a file.
///
/// `hash` is a password's as crypt(5) has it (`$y$…`), or `$sha256$` and the 64 hexadecimal digits of a
/// token's SHA-256: a token is 256 random bits, which no dictionary has, so a fast hash is enough. Empty
/// lines and those that begin with `#` are kept and mean nothing.
public struct UsersFile: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public enum Secret: Sendable, Equatable {
      case password(hash: String)
      /// The 32 bytes of the token's SHA-256.
      case token(digest: [UInt8])
    }
    public let name: String
    public let secret: Secret
    public let comment: String?

    public var isToken: Bool { if case .token = secret { true } else { false } }
  }

  /// In the order of the file.
  public private(set) var entries: [Entry] = []
  /// What is wrong, by line; those lines let nobody in.
  public private(set) var problems: [String] = []

  /// What a token begins with, so that people and scanners for secrets know one.
  public static let tokenPrefix = "rk_"
  private static let tokenMark = "$sha256$"
  private static let fileBytesMax = 1 << 20

  /// Reads the text of a file.
  public init(text: String) {
    for (index, line) in UsersFile.lines(of: text).enumerated() {
      guard let name = UsersFile.name(ofLine: line) else { continue }
      func problem(_ text: String) { problems.append("line \(index + 1): \(text)") }
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count >= 2, !parts[1].isEmpty else {
        problem("expected name:hash")
        continue
      }
      guard UsersFile.isName(name) else {
        problem("a name is 1 to 64 letters, digits, dots, hyphens and underscores")
        continue
      }
      guard !entries.contains(where: { $0.name == name }) else {
        problem("\(name) is there twice; the first counts")
        continue
      }
      let comment = parts.count == 3 ? String(parts[2]) : nil
      if parts[1].hasPrefix(UsersFile.tokenMark) {
        guard let digest = UsersFile.bytes(ofHex: parts[1].dropFirst(UsersFile.tokenMark.count))
        else {
          problem("\(name): \(UsersFile.tokenMark) and 64 hexadecimal digits were expected")
          continue
        }
        entries.append(Entry(name: name, secret: .token(digest: digest), comment: comment))
      } else {
        guard PasswordHash.isUsable(String(parts[1])) else {
          problem("\(name): not a hash that crypt(3) takes as strong; `renkei user add` makes one")
          continue
        }
        entries.append(
          Entry(name: name, secret: .password(hash: String(parts[1])), comment: comment))
      }
    }
  }

  /// Reads a file.
  ///
  /// - Throws: `ServiceError.users` where it can't be read, or where everybody may read it.
  public init(path: String) throws(ServiceError) {
    func failed(_ reason: String) -> ServiceError { .users(path: path, reason: reason) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0, let file = fdopen(descriptor, "r") else {
      throw failed(
        errno == ENOENT
          ? "is not there; `renkei user add NAME --file \(path)` makes it"
          : String(cString: strerror(errno)).lowercased())
    }
    defer { fclose(file) }
    guard let facts = FileFacts(descriptor: descriptor), facts.isRegular else {
      throw failed("is no regular file")
    }
    guard facts.mode & 0o007 == 0 else {
      throw failed("everybody on this machine may read or change it: chmod 640 \(path)")
    }
    guard facts.size <= UsersFile.fileBytesMax else { throw failed("is larger than 1 MiB") }
    var bytes = [UInt8](repeating: 0, count: UsersFile.fileBytesMax + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
      throw failed("is not in UTF-8")
    }
    self.init(text: text)
  }

  // MARK: - Lines

  /// Lines with their empty ones; "\r\n" is one `Character`, and ends a line as "\n" does.
  static func lines(of text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }

  /// Whether a user may be called so.
  public static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
          UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  /// Whose line it is; nil for one that means nothing.
  static func name(ofLine line: some StringProtocol) -> String? {
    guard !line.hasPrefix("#"), !line.allSatisfy(\.isWhitespace) else { return nil }
    return String(line.prefix { $0 != ":" })
  }

  /// A line with the hash of a password; nil where it can't be hashed.
  public static func line(name: String, password: String) -> String? {
    PasswordHash.make(password).map { "\(name):\($0)" }
  }

  /// A fresh token and the line that lets it in. The token is nowhere kept.
  public static func token(name: String) -> (token: String, line: String) {
    let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
    let token =
      tokenPrefix
      + bytes.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      .replacing("=", with: "")
    return (token, "\(name):\(tokenMark)\(hex(digest(ofToken: token)))")
  }

  static func digest(ofToken token: String) -> [UInt8] {
    Array(SHA256.hash(data: Array(token.utf8)))
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }

  /// nil where they are not the digits of 32 bytes.
  private static func bytes(ofHex text: Substring) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 64, by: 2) {
      let pair = String(decoding: digits[index...index + 1], as: UTF8.self)
      guard pair.allSatisfy(\.isHexDigit), let byte = UInt8(pair, radix: 16) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
