internal import CZlib
internal import Synchronization

/// Pages in gzip (RFC 1952), each compressed once as long as it is asked for.
///
/// Bounded: two generations of at most 32 MiB each. What is asked for moves into the younger one; when that
/// is full the elder one is forgotten, which is nearly what "least recently used" forgets, without a list.
final class PageCompressor: Sendable {
  /// Smaller bodies are not worth it: they fit into one packet anyway.
  static let bytesMin = 1024
  private static let generationBytesMax = 32 << 20
  /// Of 1 to 9. A table of 72 kB by zlib 1.2.13: 13.2 kB in 0.3 ms (1), 11.4 kB in 0.5 ms (4), 10.6 kB in
  /// 0.6 ms (6), 10.2 kB in 5.4 ms (9).
  private static let level: Int32 = 4

  private struct State {
    var young: [PageDigest: [UInt8]] = [:]
    var youngBytes = 0
    var old: [PageDigest: [UInt8]] = [:]

    mutating func insert(_ body: [UInt8], _ digest: PageDigest) {
      guard young.updateValue(body, forKey: digest) == nil else { return }
      youngBytes += body.count
      if youngBytes > PageCompressor.generationBytesMax {
        old = young
        young = [:]
        youngBytes = 0
      }
    }
  }
  private let state = Mutex(State())

  /// The body in gzip; nil where that would be no smaller.
  ///
  /// - Complexity: O(1) for a body that is remembered.
  func compressed(_ body: [UInt8], _ digest: PageDigest) -> [UInt8]? {
    let known = state.withLock { state -> [UInt8]? in
      if let young = state.young[digest] { return young }
      guard let old = state.old.removeValue(forKey: digest) else { return nil }
      state.insert(old, digest)
      return old
    }
    if let known { return known.isEmpty ? nil : known }
    let made = PageCompressor.gzip(body)
    // An empty one says that it isn't worth it.
    let kept = made.count < body.count ? made : []
    if kept.count <= PageCompressor.generationBytesMax / 4 {
      state.withLock { $0.insert(kept, digest) }
    }
    return kept.isEmpty ? nil : kept
  }

  /// Whether gzip makes it smaller: text does, pictures and archives are compressed already.
  static func isCompressible(_ type: String) -> Bool {
    let essence = type.prefix { $0 != ";" }.lowercased()
    return essence.hasPrefix("text/") || essence.hasSuffix("json") || essence.hasSuffix("xml")
      || essence.hasSuffix("yaml") || essence.hasSuffix("javascript")
  }

  /// Whether the client takes gzip (RFC 9110 12.5.3): named, or by `*`, and not with a weight of 0.
  static func isAccepted(_ field: String?) -> Bool {
    guard let field else { return false }
    var any = false
    for part in field.split(separator: ",") {
      let words = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      let weight =
        words.dropFirst().first { $0.lowercased().hasPrefix("q=") }
        .flatMap { Double($0.dropFirst(2)) } ?? 1
      switch words.first?.lowercased() {
      case "gzip", "x-gzip": return weight > 0
      case "*": any = weight > 0
      default: break
      }
    }
    return any
  }

  static func gzip(_ body: [UInt8]) -> [UInt8] {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    // 15 bits of window, and 16 for "write a gzip header" (zlib.h, deflateInit2); no time in it.
    let ready = deflateInit2_(
      stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard ready == Z_OK else { return body }
    defer { deflateEnd(stream) }
    let bound = Int(deflateBound(stream, uLong(body.count)))
    return [UInt8](unsafeUninitializedCapacity: bound) { space, count in
      body.withUnsafeBufferPointer { input in
        // SAFETY: zlib reads the input only, and both stay where they are until it is done.
        stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.pointee.avail_in = UInt32(clamping: input.count)
        stream.pointee.next_out = space.baseAddress
        stream.pointee.avail_out = UInt32(clamping: space.count)
        let result = deflate(stream, Z_FINISH)
        precondition(result == Z_STREAM_END, "deflateBound is a bound")
        count = space.count - Int(stream.pointee.avail_out)
      }
    }
  }
}
