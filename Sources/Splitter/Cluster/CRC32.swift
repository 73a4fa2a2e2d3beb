/// The checksum of Ethernet and gzip (CRC-32, polynomial 0xEDB88320 reflected).
enum CRC32 {
  /// Four tables, so that four bytes are taken at a time.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 4 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
      tables[byte] = crc
    }
    for byte in 0..<256 {
      for table in 1..<4 {
        let before = tables[(table - 1) * 256 + byte]
        tables[table * 256 + byte] = before >> 8 ^ tables[Int(before & 0xFF)]
      }
    }
    return tables
  }()

  /// - Complexity: O(bytes), some 1 ns each.
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var crc: UInt32 = .max
      var offset = 0
      while offset + 4 <= bytes.count {
        crc ^= UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        crc =
          tables[768 + Int(crc & 0xFF)] ^ tables[512 + Int(crc >> 8 & 0xFF)]
          ^ tables[256 + Int(crc >> 16 & 0xFF)] ^ tables[Int(crc >> 24)]
        offset += 4
      }
      for byte in bytes[offset...] {
        crc = crc >> 8 ^ tables[Int((crc ^ UInt32(byte)) & 0xFF)]
      }
      return ~crc
    }
  }
}
