/// Writes a message's body. What a message can't hold is a mistake of the program, and ends it.
struct WireWriter {
  /// Addresses in a message, at most.
  static let addressesMax = 1 << 16

  /// What was written.
  var bytes: [UInt8] = []

  /// Forgets what was written, and keeps its memory.
  mutating func clear() { bytes.removeAll(keepingCapacity: true) }

  mutating func integer<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func count(_ count: Int) { integer(UInt32(count)) }

  mutating func boolean(_ value: Bool) { bytes.append(value ? 1 : 0) }

  mutating func name(_ text: String) {
    precondition(text.utf8.count <= 255, "a name is too long for a message")
    bytes.append(UInt8(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func bytes(_ value: some Collection<UInt8>) {
    count(value.count)
    bytes.append(contentsOf: value)
  }

  mutating func addresses(_ addresses: [IPAddress]) {
    precondition(addresses.count <= WireWriter.addressesMax, "too many addresses for a message")
    count(addresses.count)
    for address in addresses {
      integer(address.high.byteSwapped)
      integer(address.low.byteSwapped)
    }
  }

  /// Numbers as byte planes: the lowest byte of all of them, then the next byte of all.
  mutating func column<T: FixedWidthInteger & UnsignedInteger>(_ values: [T]) {
    let width = MemoryLayout<T>.size
    let start = bytes.count
    bytes.append(contentsOf: repeatElement(0, count: width * values.count))
    bytes.withUnsafeMutableBytes { bytes in
      for (index, value) in values.enumerated() {
        for plane in 0..<width {
          bytes[start + plane * values.count + index] = UInt8(
            truncatingIfNeeded: value >> T(8 * plane))
        }
      }
    }
  }
}
