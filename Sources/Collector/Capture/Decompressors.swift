internal import CLZ4
internal import CZlib
internal import CZstd

/// Why compressed input ended.
private func cutOffCompression(_ input: DescriptorSource, _ format: String) -> CaptureDamage {
  CaptureDamage(
    offset: input.bytesTaken, isCutOff: true, reason: "the \(format) compression ends too early")
}

/// What gzip(1) compressed: one member or several, one after the other (RFC 1952).
final class GzipSource: ByteSource {
  private let input: DescriptorSource
  // On the heap because zlib keeps a pointer to it from inflateInit2 to inflateEnd.
  private let stream: UnsafeMutablePointer<z_stream>
  private var isInsideMember = true
  private var isFinished = false
  /// Found behind bytes that are good and go first.
  private var damage: CaptureDamage?

  init(_ input: DescriptorSource) {
    self.input = input
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window, and 16 for "expect a gzip header" (zlib.h, inflateInit2).
    let result = inflateInit2_(
      stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(result == Z_OK, "zlib refuses to start")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  var bytesTaken: UInt64 { input.bytesTaken }

  func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureDamage) -> Int {
    if let damage { throw damage }
    stream.pointee.next_out = space.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(clamping: space.count)
    let wanted = stream.pointee.avail_out
    while stream.pointee.avail_out == wanted && !isFinished {
      if input.available.isEmpty { try input.fill(to: 1) }
      let available = input.available
      if available.isEmpty {
        if isInsideMember { throw cutOffCompression(input, "gzip") }
        isFinished = true
        break
      }
      if !isInsideMember {
        // After a member: another one, or padding, which gzip(1) ignores as well.
        try input.fill(to: 2)
        guard CaptureFormat.isGzip(input.available) else {
          isFinished = true
          break
        }
        inflateReset(stream)
        isInsideMember = true
        continue
      }
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: available.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = UInt32(available.count)
      let result = inflate(stream, Z_NO_FLUSH)
      input.consume(available.count - Int(stream.pointee.avail_in))
      switch result {
      case Z_STREAM_END: isInsideMember = false
      case Z_OK, Z_BUF_ERROR: break
      default:
        let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(result)"
        let found = CaptureDamage(
          offset: input.bytesTaken, reason: "the gzip compression: \(reason)")
        guard stream.pointee.avail_out < wanted else { throw found }
        damage = found
      }
    }
    return Int(wanted - stream.pointee.avail_out)
  }
}

/// What zstd(1) compressed: one frame or several, and skippable frames between (RFC 8878).
///
/// zstd's default window limit of 128 MiB holds, so a hostile file cannot make it take more.
final class ZstdSource: ByteSource {
  private let input: DescriptorSource
  private let stream: OpaquePointer
  private var isInsideFrame = false
  /// Found behind bytes that are good and go first.
  private var damage: CaptureDamage?

  init(_ input: DescriptorSource) {
    self.input = input
    guard let stream = ZSTD_createDStream() else { preconditionFailure("zstd refuses to start") }
    self.stream = stream
    ZSTD_initDStream(stream)
  }

  deinit { ZSTD_freeDStream(stream) }

  var bytesTaken: UInt64 { input.bytesTaken }

  func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureDamage) -> Int {
    if let damage { throw damage }
    var output = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
    while output.pos == 0 {
      if input.available.isEmpty { try input.fill(to: 1) }
      let available = input.available
      if available.isEmpty && !isInsideFrame { return 0 }
      var block = ZSTD_inBuffer(src: available.baseAddress, size: available.count, pos: 0)
      let hint = ZSTD_decompressStream(stream, &output, &block)
      input.consume(block.pos)
      if ZSTD_isError(hint) != 0 {
        let found = CaptureDamage(
          offset: input.bytesTaken,
          reason: "the zstd compression: \(String(cString: ZSTD_getErrorName(hint)))")
        guard output.pos > 0 else { throw found }
        damage = found
        break
      }
      isInsideFrame = hint != 0
      if available.isEmpty && output.pos == 0 && isInsideFrame {
        throw cutOffCompression(input, "zstd")
      }
    }
    return output.pos
  }
}

/// What lz4(1) compressed: one frame or several (LZ4 frame format 1.6).
final class LZ4Source: ByteSource {
  private let input: DescriptorSource
  private let context: OpaquePointer
  private var isInsideFrame = false

  init(_ input: DescriptorSource) {
    self.input = input
    var context: OpaquePointer?
    LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
    guard let context else { preconditionFailure("lz4 refuses to start") }
    self.context = context
  }

  deinit { LZ4F_freeDecompressionContext(context) }

  var bytesTaken: UInt64 { input.bytesTaken }

  func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureDamage) -> Int {
    while true {
      if input.available.isEmpty { try input.fill(to: 1) }
      let available = input.available
      if available.isEmpty && !isInsideFrame { return 0 }
      var produced = space.count
      var taken = available.count
      let hint = LZ4F_decompress(
        context, space.baseAddress, &produced, available.baseAddress, &taken, nil)
      if LZ4F_isError(hint) != 0 {
        throw CaptureDamage(
          offset: input.bytesTaken,
          reason: "the lz4 compression: \(String(cString: LZ4F_getErrorName(hint)))")
      }
      input.consume(taken)
      isInsideFrame = hint != 0
      if produced > 0 { return produced }
      if available.isEmpty && isInsideFrame { throw cutOffCompression(input, "lz4") }
    }
  }
}
