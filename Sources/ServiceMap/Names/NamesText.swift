internal import Foundation

/// The lines of a file of names, as bytes: hosts, networks, services.
///
/// UTF-8; what is no UTF-8 shows as U+FFFD. LF, CRLF or CR between lines; a byte order mark may lead.
enum NamesText {
  /// - Throws: where the file can't be read.
  static func read(path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  /// Calls `body` with the range of each line's bytes that are not white, and its number from 1.
  static func forEachLine(
    of bytes: UnsafeBufferPointer<UInt8>,
    _ body: (_ line: Slice<UnsafeBufferPointer<UInt8>>, _ number: Int) -> Void
  ) {
    var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    var number = 1
    while start < bytes.count {
      var end = start
      while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end += 1 }
      body(trimmed(bytes[start..<end]), number)
      let isCRLF = end + 1 < bytes.count && bytes[end] == 0x0D && bytes[end + 1] == 0x0A
      start = end + (isCRLF ? 2 : 1)
      number += 1
    }
  }

  static func trimmed(
    _ bytes: Slice<UnsafeBufferPointer<UInt8>>
  ) -> Slice<UnsafeBufferPointer<UInt8>> {
    var (first, end) = (bytes.startIndex, bytes.endIndex)
    while first < end, isBlank(bytes[first]) { first += 1 }
    while end > first, isBlank(bytes[end - 1]) { end -= 1 }
    return bytes.base[first..<end]
  }

  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  static func string(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self)
  }
}

/// Lines of files that were not understood: all are counted, the first are kept to be shown.
struct NamesProblems: Sendable {
  static let shownMax = 20
  private(set) var count = 0
  private(set) var shown: [String] = []

  /// - Parameter reason: what is wrong with it, in few words.
  mutating func add(_ path: String, _ line: Int, _ text: String, _ reason: String) {
    count += 1
    guard shown.count < NamesProblems.shownMax else { return }
    let quoted = HostDirectory.clean(text, bytesMax: 60)
    shown.append("\(HostDirectory.clean(path)):\(line): \"\(quoted)\": \(reason)")
  }
}
