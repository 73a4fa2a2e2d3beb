internal import Glibc

/// One capture, opened: a file of any format that renkei reads, or standard input.
final class CaptureReader {
  /// As the user named it.
  let name: String
  private var input: Input

  private enum Input: ~Copyable {
    case mapped(MappedFile)
    case stream(SlidingBuffer)
    case libpcap(LibpcapFile)
  }

  /// How much of a mapped file is parsed before progress is reported.
  private static let windowBytes = 1 << 20

  /// Opens the file at `path`; "-" is standard input.
  ///
  /// - Throws: `unreadable` or `notACapture`.
  convenience init(path: String) throws(CollectorError) {
    if path == "-" {
      if isatty(STDIN_FILENO) == 1 {
        throw .unreadable(file: "-", reason: "standard input is a terminal; pipe a capture into it")
      }
      try self.init(
        streaming: DescriptorSource(descriptor: STDIN_FILENO, closesDescriptor: false), name: "-")
      return
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .unreadable(file: path, reason: CaptureReader.reason(errno))
    }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0 else {
      let reason = CaptureReader.reason(errno)
      close(descriptor)
      throw .unreadable(file: path, reason: reason)
    }
    switch facts.st_mode & S_IFMT {
    case S_IFDIR:
      close(descriptor)
      throw .unreadable(file: path, reason: "is a directory; name the capture files in it")
    case S_IFREG:
      try self.init(regular: descriptor, path: path, byteCount: Int(facts.st_size))
    default:
      try self.init(
        streaming: DescriptorSource(descriptor: descriptor, closesDescriptor: true), name: path)
    }
  }

  private convenience init(
    regular descriptor: Int32, path: String, byteCount: Int
  ) throws(CollectorError) {
    guard byteCount > 0 else {
      close(descriptor)
      throw .notACapture(file: path, reason: "is empty (0 bytes)")
    }
    guard let file = MappedFile(descriptor: descriptor, byteCount: byteCount) else {
      let reason = CaptureReader.reason(errno)
      close(descriptor)
      throw .unreadable(file: path, reason: reason)
    }
    switch CaptureFormat(beginning: file.bytes) {
    case .pcap, .pcapng:
      close(descriptor)
      self.init(name: path, input: .mapped(file))
    case .gzip, .zstd, .lz4:
      try self.init(
        streaming: DescriptorSource(descriptor: descriptor, closesDescriptor: true), name: path)
    case .otherCompression, .unknown:
      close(descriptor)
      guard let file = LibpcapFile(path: path) else {
        throw .notACapture(
          file: path, reason: CaptureFormat.objection(beginning: file.bytes))
      }
      self.init(name: path, input: .libpcap(file))
    }
  }

  /// Reads a stream that begins with a capture, or with a compressed one.
  ///
  /// - Parameter windowBytes: the sliding buffer's first capacity.
  convenience init(
    streaming source: DescriptorSource, name: String, windowBytes: Int = 1 << 20
  ) throws(CollectorError) {
    do {
      try source.fill(to: 24)
    } catch {
      throw .unreadable(file: name, reason: error.reason)
    }
    let beginning = source.available
    guard !beginning.isEmpty else { throw .notACapture(file: name, reason: "is empty (0 bytes)") }
    let bytes: any ByteSource
    switch CaptureFormat(beginning: beginning) {
    case .pcap, .pcapng: bytes = source
    case .gzip: bytes = GzipSource(source)
    case .zstd: bytes = ZstdSource(source)
    case .lz4: bytes = LZ4Source(source)
    case .otherCompression, .unknown:
      throw .notACapture(file: name, reason: CaptureFormat.objection(beginning: beginning))
    }
    self.init(name: name, input: .stream(SlidingBuffer(bytes, capacity: windowBytes)))
  }

  private init(name: String, input: consuming Input) {
    self.name = name
    self.input = input
  }

  private static func reason(_ code: Int32) -> String {
    switch code {
    case ENOENT: "no such file"
    case EACCES, EPERM: "permission denied; check who may read the file"
    default: String(cString: strerror(code))
    }
  }

  // MARK: - Reading

  /// Passes all packets to `sink`, and from time to time the bytes of input taken so far to
  /// `progress`.
  ///
  /// - Returns: where and why reading ended early; nil at the file's end.
  /// - Throws: what `sink` throws; `notACapture` where decompression brings something else to light.
  func read<Sink: PacketSink & ~Copyable>(
    into sink: inout Sink, progress: (UInt64, borrowing Sink) -> Void = { _, _ in }
  ) throws -> CaptureDamage? {
    switch input {
    case .mapped(let file):
      return try CaptureReader.read(mapped: file, into: &sink, progress: progress)
    case .stream(let buffer):
      return try read(stream: buffer, into: &sink, progress: progress)
    case .libpcap(let file):
      return try file.read(into: &sink)
    }
  }

  private static func read<Sink: PacketSink & ~Copyable>(
    mapped file: borrowing MappedFile, into sink: inout Sink,
    progress: (UInt64, borrowing Sink) -> Void
  ) throws(Sink.Failure) -> CaptureDamage? {
    let bytes = file.bytes
    guard var parser = CaptureParser(beginning: bytes) else { return nil }
    var begin = 0
    var givenBack = 0
    var windowBytes = CaptureReader.windowBytes
    while true {
      let end = min(bytes.count, begin + windowBytes)
      let window = UnsafeRawBufferPointer(rebasing: bytes[begin..<end])
      let step = try parser.parse(window, isLast: end == bytes.count, into: &sink)
      begin += step.consumed
      givenBack = file.giveBack(from: givenBack, to: begin)
      progress(UInt64(begin), sink)
      if step.damage != nil || end == bytes.count { return step.damage }
      // A record longer than the window: show more of it.
      windowBytes = step.consumed == 0 ? windowBytes * 2 : CaptureReader.windowBytes
    }
  }

  private func read<Sink: PacketSink & ~Copyable>(
    stream: SlidingBuffer, into sink: inout Sink, progress: (UInt64, borrowing Sink) -> Void
  ) throws -> CaptureDamage? {
    var sourceDamage: CaptureDamage?
    var isLast = false
    func fill() {
      do throws(CaptureDamage) {
        isLast = try !stream.fill()
      } catch {
        sourceDamage = error
      }
    }
    while stream.window.count < 4 && !isLast && sourceDamage == nil { fill() }
    guard var parser = CaptureParser(beginning: stream.window) else {
      if let sourceDamage { return sourceDamage }
      let reason = CaptureFormat.objection(beginning: stream.window)
      throw CollectorError.notACapture(file: name, reason: "its decompressed content \(reason)")
    }
    while true {
      let step = try parser.parse(stream.window, isLast: isLast, into: &sink)
      stream.consume(step.consumed)
      progress(stream.bytesTaken, sink)
      if step.damage != nil || isLast { return step.damage }
      if let sourceDamage { return sourceDamage }
      fill()
    }
  }
}
