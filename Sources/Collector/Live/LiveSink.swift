internal import CPcap
internal import Glibc
internal import Wire

/// Gets each packet of a live capture, and keeps the collector's line on the board.
struct LiveSink: ~Copyable {
  private var recorder: PacketRecorder
  /// A mapping of its own, so that a packet can be told from within libpcap's callback.
  private let board: StatusBoard
  private let process: Int
  /// What there was when this process began.
  private let frameBytesBefore: UInt64
  private let lengthSaturatedBefore: UInt64

  /// Of the handle that packets come from.
  var linkType = LinkType.unsupported
  /// Packets at the front of the buffer that others have taken.
  var foreign: UInt64 = 0
  /// Packets taken, by the collectors before this one too.
  private(set) var taken: UInt64
  /// As many are on the board: those, and what lies in the kernel's buffer.
  private var known: UInt64
  /// Of the packet taken last; 0 before the first.
  private(set) var latestNs: UInt64 = 0

  /// Goes on from `before`.
  init(
    _ configuration: CollectorConfiguration, output: consuming Ring, addresses: SharedAddresses,
    status: borrowing StatusBoard, process: Int
  ) throws {
    let board = try StatusBoard(inherited: fcntl(status.descriptor, F_DUPFD_CLOEXEC, 3))
    let before = Takeover(
      items: board.get(.items, of: process), board: board.accounting(of: process),
      published: output.lastPublished)
    // Before `items`: were it killed between the two, the next one would count the same packets lost.
    board.set(before.accounting, of: process)
    board.set(.items, of: process, to: before.items)
    let recorder = try PacketRecorder(
      decoder: FrameDecoder(
        decapsulate: configuration.decapsulate, tunnelDepthMax: configuration.tunnelDepthMax),
      filter: configuration.filter, deduplicates: configuration.deduplicate,
      writer: RecordWriter(
        ring: RingWriter(output), streamID: configuration.streamID,
        capturePoint: configuration.capturePoint, addressCapacity: 1, shared: addresses,
        isLive: true, accounting: before.accounting, sequence: before.sequence))
    taken = before.items
    known = before.items
    frameBytesBefore = board.get(.frameBytes, of: process)
    lengthSaturatedBefore = board.get(.lengthSaturated, of: process)
    self.recorder = recorder
    self.board = board
    self.process = process
  }

  /// - Complexity: O(1), allocates nothing.
  @inline(__always)
  mutating func take(_ header: pcap_pkthdr, _ bytes: UnsafeRawPointer) {
    if foreign > 0 {
      foreign &-= 1
      return
    }
    taken &+= 1
    if taken > known {
      known = taken
      // Before anything else: what a killed process had taken must not be missing.
      board.set(.items, of: process, to: taken)
    }
    // The precision asked for makes tv_usec nanoseconds.
    latestNs =
      UInt64(max(0, header.ts.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, header.ts.tv_usec))
    recorder.take(
      CapturedPacket(
        bytes: bytes, capturedLength: Int(header.caplen), originalLength: Int(header.len),
        timestampNs: latestNs, linkType: linkType))
  }

  /// Number of the batch that is being filled; nil where there is none.
  var openBatch: UInt64? { recorder.writer.isOpen ? recorder.writer.sequence : nil }

  mutating func publish() { recorder.publish() }

  /// Tells the stages behind, where there are no packets, that there were none up to `ns`.
  mutating func beat(at ns: UInt64) {
    recorder.writer.beat(at: Tick.of(nanoseconds: ns))
    board.set(.newestTick, of: process, to: Tick.of(nanoseconds: ns))
  }

  mutating func countDroppedByKernel(_ packets: UInt64) {
    recorder.writer.count(.droppedByKernel, packets: packets)
  }

  /// Says on the board that so many packets that are not taken yet lie in the kernel's buffer.
  mutating func expect(_ packets: UInt64) {
    guard taken + packets > known else { return }
    known = taken + packets
    board.set(.items, of: process, to: known)
  }

  /// Brings the board up to date; after each run of packets.
  mutating func tell() {
    board.set(recorder.writer.published, of: process)
    board.set(.frameBytes, of: process, to: frameBytesBefore + recorder.frameBytes)
    board.set(
      .lengthSaturated, of: process, to: lengthSaturatedBefore + recorder.writer.lengthSaturated)
    guard let times = recorder.timesNs else { return }
    let start = Tick.of(nanoseconds: times.start)
    let startBefore = board.get(.startTick, of: process)
    board.set(.startTick, of: process, to: startBefore == 0 ? start : min(start, startBefore))
    let end = Tick.of(nanoseconds: times.end)
    board.set(.endTick, of: process, to: max(end, board.get(.endTick, of: process)))
  }

  /// The newest packet's time on the board; after a run that was not empty.
  func tellNewest() {
    board.set(.newestTick, of: process, to: Tick.of(nanoseconds: latestNs))
  }

  /// A field that only ever grows.
  func add(_ value: UInt64, to field: StatusBoard.Field) {
    board.set(field, of: process, to: board.get(field, of: process) &+ value)
  }

  func set(_ field: StatusBoard.Field, to value: UInt64) {
    board.set(field, of: process, to: value)
  }

  func get(_ field: StatusBoard.Field) -> UInt64 { board.get(field, of: process) }

  /// Ends the stream at `ns`, with a batch that carries the last counters where the ring has room.
  mutating func close(at ns: UInt64) {
    recorder.writer.publish()
    beat(at: ns)
    tell()
    board.set(.items, of: process, to: taken)
    recorder.writer.close()
  }
}
