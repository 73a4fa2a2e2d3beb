/// The target of a request, decoded: `/hosts/10.0.0.1?lang=ja` (RFC 9112 3.2.1, RFC 3986).
struct RequestTarget {
  let path: String
  let query: [(name: String, value: String)]

  /// Longer ones are refused (414) before they are looked at.
  static let bytesMax = 4096

  /// nil where it is malformed, or has anything in it with which paths are smuggled past a check: a dot
  /// segment, an empty segment, a backslash, a control character, a second layer of encoding, or bytes
  /// that are not UTF-8.
  init?(_ target: String) {
    var bytes = Array(target.utf8)[...]
    guard bytes.first == UInt8(ascii: "/"), bytes.allSatisfy({ (0x21...0x7E).contains($0) }),
      !bytes.contains(UInt8(ascii: "#"))
    else { return nil }
    var query: [(name: String, value: String)] = []
    if let mark = bytes.firstIndex(of: UInt8(ascii: "?")) {
      for field in bytes[(mark + 1)...].split(separator: UInt8(ascii: "&")) {
        let parts = field.split(
          separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = RequestTarget.decoded(parts[0], plusIsSpace: true),
          let value = RequestTarget.decoded(parts.dropFirst().first ?? [], plusIsSpace: true),
          !name.utf8.contains(0), !value.utf8.contains(0)
        else { return nil }
        query.append((name, value))
      }
      bytes = bytes[..<mark]
    }
    guard let path = RequestTarget.decoded(bytes, plusIsSpace: false),
      path.utf8.allSatisfy({
        $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "%")
      })
    else { return nil }
    let segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    // The first is before the first slash; the last is empty in "/" and "/hosts/".
    guard !segments.dropFirst().dropLast().contains(where: \.isEmpty),
      !segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) })
    else { return nil }
    self.path = path
    self.query = query
  }

  /// nil where a percent sign has no two digits, or the bytes are not UTF-8.
  private static func decoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let byte = bytes[index]
      if byte == UInt8(ascii: "%") {
        guard index + 2 < bytes.endIndex, let high = digit(bytes[index + 1]),
          let low = digit(bytes[index + 2])
        else { return nil }
        result.append(high << 4 | low)
        index += 3
      } else {
        result.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
        index += 1
      }
    }
    return String(validating: result, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
