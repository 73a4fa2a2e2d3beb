/// The second copies of packets, as a mirror port writes them that copies what comes in and what goes
/// out: up to 200 µs later, for half of the sessions (routed ones) with other hardware addresses and
/// a time to live that is one less.
struct MirrorPort {
  /// A record that waits for its time.
  private struct Copy {
    /// Its time in microseconds since the capture began.
    let timeUs: UInt64
    /// The record as it goes into the file.
    let record: [UInt8]
  }

  /// Share of packets that are written twice, in percent.
  private let percent: UInt32
  /// Copies to come, the latest first: the next one is the last. A handful at any time.
  private var waiting: [Copy] = []
  /// Random numbers, apart, so that copying leaves the traffic as it is.
  private var random: RandomSource
  /// Seconds of the epoch at which the capture begins.
  private let startSeconds: UInt32
  /// Copies made so far.
  private(set) var count = 0

  /// A port that copies a share of all packets.
  init(options: Options, startSeconds: UInt32) {
    percent = options.duplicatePercent
    random = RandomSource(seed: options.seed, stream: 3)
    self.startSeconds = startSeconds
  }

  /// Time of the next copy; `UInt64.max` if there is none.
  @inline(__always)
  var nextUs: UInt64 {
    waiting.last?.timeUs ?? .max
  }

  /// Copies a record that was just written, or not, by lot.
  mutating func take(_ record: UnsafeRawBufferPointer, of session: Session, timeUs: UInt64) {
    guard random.below(100) < percent else { return }
    let copyUs = timeUs + 1 + UInt64(random.below(200))
    var octets = [UInt8](record)
    octets.withUnsafeMutableBytes { copy in
      store(copyUs, into: copy)
      let ports = UInt64(session.clientPort) << 16 | UInt64(session.serverPort)
      let ends = UInt64(session.clientAddress) << 32 | UInt64(session.serverAddress)
      if RandomSource.mix(ends, ports) & 1 == 0 { route(copy, session) }
    }
    let place = waiting.firstIndex { $0.timeUs <= copyUs } ?? waiting.count
    waiting.insert(Copy(timeUs: copyUs, record: octets), at: place)
    count += 1
  }

  /// Writes the copies whose time is before `timeUs`.
  mutating func write(before timeUs: UInt64, into file: inout CaptureFile) throws(GeneratorError) {
    while nextUs < timeUs, let copy = waiting.popLast() {
      let place = try file.reserve(copy.record.count)
      // SAFETY: exactly that many octets were reserved.
      copy.record.withUnsafeBytes { place.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
      file.advance(copy.record.count)
    }
  }

  /// Sets the time of a record.
  private func store(_ timeUs: UInt64, into record: UnsafeMutableRawBufferPointer) {
    let seconds = UInt32(truncatingIfNeeded: timeUs / 1_000_000)
    record.storeBytes(of: (startSeconds &+ seconds).littleEndian, as: UInt32.self)
    let micros = UInt32(truncatingIfNeeded: timeUs % 1_000_000)
    record.storeBytes(of: micros.littleEndian, toByteOffset: 4, as: UInt32.self)
  }

  /// What a router does to a frame. A packet that would expire stays as it is.
  private func route(_ record: UnsafeMutableRawBufferPointer, _ session: Session) {
    let frame = FrameEncoder.recordHeaderBytes
    let network = frame + (session.vlan == 0 ? 14 : 18)
    let isIPv6 = session.traits.contains(.ipv6)
    let timeToLive = network + (isIPv6 ? 7 : 8)
    guard record.count > network + 20, record[timeToLive] > 1 else { return }
    record[timeToLive] -= 1
    if !isIPv6 {
      // The sum grows by what the header has lost (RFC 1624).
      let sum = UInt32(record[network + 10]) << 8 | UInt32(record[network + 11])
      let grown = sum + 0x100
      let folded = (grown & 0xFFFF) + (grown >> 16)
      record[network + 10] = UInt8(folded >> 8)
      record[network + 11] = UInt8(folded & 0xFF)
    }
    // The router's port towards the target, and the target's as seen from there.
    record[frame + 1] = 0x01
    record[frame + 7] = 0x01
  }
}
