internal import Foundation

/// From when to when a certificate is valid.
///
/// With TLS 1.3 a server says what it has against a client's certificate only after the handshake, and libnats throws that
/// away: "Expected 'PONG', got ''". So we look ourselves.
struct CertificateDates: Equatable {
  /// Seconds since 1970.
  var notBefore: Double
  var notAfter: Double

  /// - Parameter pem: of the first certificate in it (RFC 7468, RFC 5280); nil where it can't be read.
  init?(pem: String) {
    guard let begin = pem.range(of: "-----BEGIN CERTIFICATE-----"),
      let end = pem.range(of: "-----END CERTIFICATE-----"),
      begin.upperBound <= end.lowerBound,
      let data = Data(
        base64Encoded: String(pem[begin.upperBound..<end.lowerBound]),
        options: .ignoreUnknownCharacters)
    else { return nil }
    // Certificate, TBSCertificate: version (if any), serial number, algorithm, issuer, validity.
    var outer = DER([UInt8](data))
    guard let certificate = outer.next() else { return nil }
    var inner = DER(certificate.body)
    guard let content = inner.next() else { return nil }
    var fields = DER(content.body)
    guard var field = fields.next() else { return nil }
    if field.tag == 0xA0, let serial = fields.next() { field = serial }
    guard field.tag == 0x02, fields.next() != nil, fields.next() != nil,
      let validity = fields.next()
    else { return nil }
    var times = DER(validity.body)
    guard let from = times.next().flatMap(CertificateDates.seconds),
      let to = times.next().flatMap(CertificateDates.seconds)
    else { return nil }
    (notBefore, notAfter) = (from, to)
  }

  private static func seconds(_ element: DER.Element) -> Double? {
    var text = String(decoding: element.body, as: UTF8.self)
    // UTCTime has two digits of the year, up to 2049.
    if element.tag == 0x17, let year = Int(text.prefix(2)) {
      text = (year < 50 ? "20" : "19") + text
    }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 0)
    format.dateFormat = "yyyyMMddHHmmss'Z'"
    return format.date(from: text)?.timeIntervalSince1970
  }

  /// Elements of ASN.1's DER, one behind the other.
  private struct DER {
    struct Element {
      var tag: UInt8
      var body: [UInt8]
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func next() -> Element? {
      guard let tag = rest.popFirst(), let first = rest.popFirst() else { return nil }
      var count = Int(first)
      if first > 0x80 {
        let digits = rest.prefix(Int(first & 0x7F))
        guard digits.count == Int(first & 0x7F), digits.count <= 4 else { return nil }
        count = digits.reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(digits.count)
      }
      guard count <= rest.count else { return nil }
      defer { rest = rest.dropFirst(count) }
      return Element(tag: tag, body: [UInt8](rest.prefix(count)))
    }
  }
}
