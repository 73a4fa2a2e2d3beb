import Glibc

/// A file, written in order through one buffer of a mebibyte.
///
/// Records are made in the buffer itself, so that an octet is written once before the kernel copies
/// it.
struct CaptureFile: ~Copyable {
  /// Descriptor of the open file.
  private let descriptor: Int32
  /// Name for messages.
  private let path: String
  /// The buffer.
  private let buffer: UnsafeMutableRawPointer
  /// Octets of the buffer in use.
  private var used = 0

  /// Size of the buffer, in octets.
  private static let bufferBytes = 1 << 20

  /// Creates the file, or empties it. `-` is standard output.
  ///
  /// - Throws: `GeneratorError.file` if it cannot be opened.
  init(path: String) throws(GeneratorError) {
    self.path = path
    descriptor = path == "-" ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    buffer = .allocate(byteCount: CaptureFile.bufferBytes, alignment: 64)
    if descriptor < 0 { throw GeneratorError.file(path, errno) }
  }

  deinit {
    buffer.deallocate()
    if descriptor > STDERR_FILENO { close(descriptor) }
  }

  /// Room for `bytes` octets, at most the buffer's size; written out by `advance` and `flush`.
  ///
  /// - Throws: `GeneratorError.file` if the buffer had to be written out and could not be.
  @inline(__always)
  mutating func reserve(_ bytes: Int) throws(GeneratorError) -> UnsafeMutableRawPointer {
    if used + bytes > CaptureFile.bufferBytes { try flush() }
    // SAFETY: `used` octets are taken, `bytes` more fit.
    return buffer + used
  }

  /// Keeps the first `bytes` octets of what was reserved.
  @inline(__always)
  mutating func advance(_ bytes: Int) {
    used += bytes
  }

  /// Writes text, for the truth file.
  mutating func write(_ text: String) throws(GeneratorError) {
    let place = try reserve(text.utf8.count)
    var offset = 0
    for octet in text.utf8 {
      // SAFETY: exactly that many octets were reserved.
      place.storeBytes(of: octet, toByteOffset: offset, as: UInt8.self)
      offset += 1
    }
    advance(offset)
  }

  /// Writes the pcap file header: little-endian, microseconds, Ethernet.
  ///
  /// Source: pcap-savefile(5).
  mutating func writeHeader(snapLength: Int) throws(GeneratorError) {
    let header = try reserve(24)
    // SAFETY: 24 octets were reserved.
    store32Little(0xA1B2_C3D4, at: header)
    store32Little(4 << 16 | 2, at: header + 4)
    store32Little(0, at: header + 8)
    store32Little(0, at: header + 12)
    store32Little(UInt32(snapLength), at: header + 16)
    store32Little(1, at: header + 20)
    advance(24)
  }

  /// Hands the buffer to the kernel.
  mutating func flush() throws(GeneratorError) {
    var offset = 0
    while offset < used {
      // SAFETY: the octets from `offset` up to `used` are initialised.
      let count = Glibc.write(descriptor, buffer + offset, used - offset)
      if count < 0 {
        if errno == EINTR { continue }
        throw GeneratorError.file(path, errno)
      }
      offset += count
    }
    used = 0
  }
}

/// What can go wrong, apart from programming errors.
enum GeneratorError: Error {
  /// The command line is wrong; the text says how.
  case usage(String)
  /// A file cannot be opened or written: path and `errno`.
  case file(String, Int32)

  /// The message for people.
  var message: String {
    switch self {
    case .usage(let text): text
    case .file(let path, let code): "\(path): \(String(cString: strerror(code)))"
    }
  }

  /// The exit status, as sysexits(3) has it.
  var exitStatus: Int32 {
    switch self {
    case .usage: 64
    case .file: 74
    }
  }
}
