internal import Crypto

/// Tells bodies of pages apart: the first half of their SHA-256.
///
/// Not a cheaper hash, because what is compressed is remembered by it and pages hold names that strangers
/// chose: nobody must be able to make two of one digest. 1.4 GB/s on a processor with the SHA extensions.
struct PageDigest: Hashable, Sendable {
  let high: UInt64
  let low: UInt64

  init(_ body: [UInt8]) {
    (high, low) = SHA256.hash(data: body).withUnsafeBytes {
      (
        UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
        UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      )
    }
  }

  /// An entity tag (RFC 9110 8.8.3). Weak, because the same page is answered with and without gzip.
  var tag: String {
    func hex(_ word: UInt64) -> String {
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    return "W/\"\(hex(high))\(hex(low))\""
  }

  /// Whether a header field If-None-Match has it (RFC 9110 13.1.2): the weak comparison.
  func matches(_ field: String?) -> Bool {
    guard let field else { return false }
    let own = tag.dropFirst(2)
    return field.split(separator: ",").contains { one in
      let one = one.filter { $0 != " " && $0 != "\t" }
      return one == "*" || (one.hasPrefix("W/") ? one.dropFirst(2) : one[...]) == own
    }
  }
}
