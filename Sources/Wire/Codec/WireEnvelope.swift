internal import CLZ4

/// What is common to all messages between the boxes of a cluster: who it is from, that it is whole, and its body,
/// compressed.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic "RNKW" |
/// | 4 | 2 | version |
/// | 6 | 2 | kind |
/// | 8 | 8 | checksum of all other bytes |
/// | 16 | 4 | bytes of the body |
/// | 20 | 4 | bytes of the body as it is here, which are the rest of the message |
/// | 24 | … | the body: an LZ4 block; as it is, where the two numbers are equal |
///
/// Little-endian. The bodies: docs/wire-format.md.
enum WireEnvelope {
  enum Kind: UInt16 {
    case records = 1
    case epoch = 2
  }

  static let magic: UInt32 = 0x574B_4E52
  static let version: UInt16 = 1
  static let bytes = 24
  /// No body is longer, whatever a message says.
  static let bodyBytesMax = 32 << 20

  /// Makes a message of a body.
  ///
  /// - Parameter scratch: memory that is kept from one message to the next.
  /// - Complexity: O(body); LZ4's default level, some 2 ns a byte.
  static func seal(_ kind: Kind, body: [UInt8], scratch: inout [UInt8]) -> [UInt8] {
    precondition(body.count <= bodyBytesMax, "a message of a cluster is too long")
    let bound = Int(LZ4_compressBound(Int32(body.count)))
    if scratch.count < bound { scratch = [UInt8](repeating: 0, count: bound) }
    // SAFETY: both buffers are as long as is said.
    let written = scratch.withUnsafeMutableBytes { target in
      body.withUnsafeBytes { source in
        LZ4_compress_default(
          source.baseAddress?.assumingMemoryBound(to: CChar.self),
          target.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(source.count),
          Int32(target.count))
      }
    }
    let isSmaller = written > 0 && Int(written) < body.count
    let packedBytes = isSmaller ? Int(written) : body.count
    return [UInt8](unsafeUninitializedCapacity: bytes + packedBytes) { buffer, count in
      let message = UnsafeMutableRawBufferPointer(buffer)
      func put<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
        message.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
      }
      put(magic, 0)
      put(version, 4)
      put(kind.rawValue, 6)
      put(UInt64(0), 8)
      put(UInt32(body.count), 16)
      put(UInt32(packedBytes), 20)
      let rest = UnsafeMutableRawBufferPointer(rebasing: message[bytes..<bytes + packedBytes])
      (isSmaller ? scratch : body).withUnsafeBytes {
        rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<packedBytes]))
      }
      count = bytes + packedBytes
      put(checksum(of: UnsafeRawBufferPointer(rebasing: message[..<count])), 8)
    }
  }

  /// Checks a message, unpacks its body and gives it to `read`, which must take all of it.
  ///
  /// - Throws: `WireError`.
  static func open<Value>(
    _ message: some Collection<UInt8>, _ kind: Kind,
    _ read: (inout WireReader) throws(WireError) -> Value
  ) throws(WireError) -> Value {
    func result(_ bytes: UnsafeRawBufferPointer) -> Result<Value, WireError> {
      Result { () throws(WireError) in try open(bytes, kind, read) }
    }
    let there = message.withContiguousStorageIfAvailable { result(UnsafeRawBufferPointer($0)) }
    return try (there ?? Array(message).withUnsafeBytes(result)).get()
  }

  private static func open<Value>(
    _ message: UnsafeRawBufferPointer, _ kind: Kind,
    _ read: (inout WireReader) throws(WireError) -> Value
  ) throws(WireError) -> Value {
    guard message.count >= bytes else { throw .tooShort }
    func get<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
      T(littleEndian: message.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
    guard get(0, as: UInt32.self) == magic else { throw .notAMessage }
    guard get(8, as: UInt64.self) == checksum(of: message) else { throw .brokenChecksum }
    let found = (version: get(4, as: UInt16.self), kind: get(6, as: UInt16.self))
    guard found.version == version else { throw .unknownVersion(found.version) }
    guard found.kind == kind.rawValue else { throw .unknownKind(found.kind) }
    let bodyBytes = Int(get(16, as: UInt32.self))
    let packed = UnsafeRawBufferPointer(rebasing: message[bytes...])
    // A byte of LZ4 stands for 255 at most: who says more has not enough of them.
    guard packed.count == Int(get(20, as: UInt32.self)), bodyBytes <= bodyBytesMax,
      bodyBytes <= 255 * packed.count, packed.count <= bodyBytes
    else { throw .inconsistent }
    func readAll(_ body: UnsafeRawBufferPointer) throws(WireError) -> Value {
      var reader = WireReader(body)
      let value = try read(&reader)
      guard reader.remaining == 0 else { throw .inconsistent }
      return value
    }
    if packed.count == bodyBytes { return try readAll(packed) }
    let body = UnsafeMutableRawBufferPointer.allocate(byteCount: bodyBytes, alignment: 8)
    defer { body.deallocate() }
    // SAFETY: both buffers are as long as is said, and LZ4_decompress_safe leaves neither whatever the block has.
    let written = LZ4_decompress_safe(
      packed.baseAddress?.assumingMemoryBound(to: CChar.self),
      body.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(packed.count), Int32(bodyBytes))
    guard Int(written) == bodyBytes else { throw .inconsistent }
    return try readAll(UnsafeRawBufferPointer(body))
  }

  /// The checksum of a message of at least `bytes` bytes: of all but the checksum itself.
  ///
  /// Each 8 bytes are mixed in by steps that can be undone, so damage to any one word never goes unnoticed, and
  /// other damage once in 2^64. A CRC promises as much for bursts of 32 bits only, and takes a table and three
  /// times as long. Neither keeps out who wants to deceive: TLS and the permissions of the servers do.
  ///
  /// - Complexity: O(bytes), 0.2 ns each.
  static func checksum(of message: UnsafeRawBufferPointer) -> UInt64 {
    func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
      let product = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
      return product ^ product >> 32
    }
    func word(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: message.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    var state = mix(0x524E_4B57_2D31_9D6F ^ UInt64(message.count), word(0))
    var offset = 16
    while offset + 8 <= message.count {
      state = mix(state, word(offset))
      offset += 8
    }
    var last: UInt64 = 0
    for index in offset..<message.count {
      last = last << 8 | UInt64(message[index])
    }
    state = mix(state, last)
    return mix(state, state >> 29)
  }
}
