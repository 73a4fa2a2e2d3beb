/// The run: launches sessions, takes their packets in the order of time, writes them.
///
/// One thread. A packet costs a sift in the event queue, a step of its session and a record in the
/// output buffer: some 100 ns; a session costs a microsecond or so more.
struct Generator: ~Copyable {
  /// What the user asked for.
  private let options: Options
  /// Makes sessions.
  private var launcher: SessionLauncher
  /// When they begin.
  private var clock: ArrivalClock
  /// The sessions that are alive.
  private var pool = SessionPool()
  /// Their next packets.
  private var queue = EventQueue()
  /// Random numbers for the traffic.
  private var random: RandomSource
  /// Random numbers for sampling, apart, so that sampling leaves the traffic as it is.
  private var samplingRandom: RandomSource
  /// The hostile part, if the profile has one.
  private var attack: Attack?
  /// Writes packets twice.
  private var mirror: MirrorPort
  /// Writes frames.
  private let encoder: FrameEncoder
  /// Who served whom.
  private(set) var truth = TruthTable()
  /// What was counted.
  private(set) var summary: Summary

  /// The capture begins on Monday, 3 June 2024, 09:00 UTC; fixed, for the sake of reproduction.
  private static let startSeconds: UInt32 = 1_717_405_200

  /// Prepares a run.
  init(options: Options) {
    self.options = options
    launcher = SessionLauncher(options: options)
    clock = ArrivalClock(options: options)
    attack = Attack(options: options, launcher: launcher, durationUs: clock.durationUs)
    mirror = MirrorPort(options: options, startSeconds: Generator.startSeconds)
    random = RandomSource(seed: options.seed, stream: 0)
    samplingRandom = RandomSource(seed: options.seed, stream: 1)
    encoder = FrameEncoder(
      snapLength: options.snapLength, startSeconds: Generator.startSeconds)
    summary = Summary(hosts: launcher.hosts)
  }

  /// Writes the whole capture.
  ///
  /// - Throws: `GeneratorError.file`.
  mutating func run(into file: inout CaptureFile) throws(GeneratorError) {
    if options.format == .pcap { try file.writeHeader(snapLength: options.snapLength) }
    let shapes = launcher.kinds.map(\.shape)
    let scale = launcher.scale
    var packet = Packet(isFromClient: true)
    var generated = 0
    var hostile = 0
    // A run of days ends with its last day, and the packets are what they come to.
    let packetsMax = options.days == nil ? options.packetCount : Int.max
    while generated < packetsMax {
      let timeUs = queue.firstTimeUs
      if let attackUs = attack?.nextUs, attackUs <= min(timeUs, clock.nextUs), attackUs < .max {
        if let session = attack?.launch(from: &launcher) {
          queue.insert(timeUs: attackUs, slot: pool.allocate(session))
        }
        continue
      }
      if clock.nextUs <= timeUs {
        begin(packetsSent: generated - hostile)
        continue
      }
      if let attack, timeUs > attack.endUs { break }
      if options.days != nil, Double(timeUs) >= clock.durationUs { break }
      let slot = queue.firstSlot
      let session = pool.session(slot)
      // SAFETY: the pointer is used up before the next session is put into the pool.
      let delayUs = session.pointee.step(
        shape: shapes[Int(session.pointee.kind)], scale: scale, random: &random,
        packet: &packet)
      generated += 1
      if session.pointee.traits.contains(.hostile) { hostile += 1 }
      try write(packet, of: session, timeUs: timeUs, into: &file)
      if delayUs == Session.finished {
        queue.removeFirst()
        retire(session.pointee)
        pool.release(slot)
      } else {
        queue.replaceFirst(timeUs: timeUs + delayUs)
      }
      summary.endUs = timeUs
    }
    try mirror.write(before: .max, into: &file)
    try file.flush()
    for position in 0..<queue.count {
      retire(pool.session(queue.slot(at: position)).pointee)
    }
    summary.packetsGenerated = generated
    summary.copies = mirror.count
  }

  /// Writes a packet if the options let it through.
  @inline(__always)
  private mutating func write(
    _ packet: Packet, of session: UnsafeMutablePointer<Session>, timeUs: UInt64,
    into file: inout CaptureFile
  ) throws(GeneratorError) {
    let hidden: SessionTraits = packet.isFromClient ? .hidesClient : .hidesServer
    if session.pointee.traits.contains(hidden) { return }
    if options.samplingInterval > 1, samplingRandom.below(options.samplingInterval) != 0 { return }
    try mirror.write(before: timeUs, into: &file)
    let record = try file.reserve(encoder.reservedBytes)
    let bytes =
      options.format == .pcap
      ? encoder.encode(packet, of: session, timeUs: timeUs, at: record)
      : encoder.encodeRecord(packet, of: session.pointee, timeUs: timeUs, at: record)
    file.advance(bytes)
    if options.duplicatePercent > 0 {
      // SAFETY: the record was written just now; the buffer stays until the next `reserve`.
      mirror.take(
        UnsafeRawBufferPointer(start: record, count: bytes), of: session.pointee, timeUs: timeUs)
    }
    summary.packetsWritten += 1
    if packet.isFromClient {
      session.pointee.writtenFromClient += 1
    } else {
      session.pointee.writtenFromServer += 1
    }
  }

  /// Begins the next session, and those that it brings about a little later.
  private mutating func begin(packetsSent: Int) {
    var timeUs = clock.nextUs
    var kind = launcher.drawKind(&random)
    var client: Int?
    while let session = launcher.launch(kind: kind, client: client, random: &random) {
      queue.insert(timeUs: timeUs, slot: pool.allocate(session))
      guard let next = launcher.drawFollowUp(of: session, random: &random) else { break }
      kind = next.kind
      client = next.client
      timeUs += 3 * UInt64(session.roundTripUs) + 500 + UInt64(random.below(20_000))
    }
    clock.advance(packetsSent: packetsSent, random: &random)
  }

  /// Counts a session that has ended, or that the end of the capture has cut off.
  private mutating func retire(_ session: Session) {
    if session.writtenFromClient + session.writtenFromServer == 0 { return }
    summary.add(session)
    if session.transport == .icmp { return }
    truth.add(
      session, kind: launcher.kinds[Int(session.kind)],
      hasKnownPorts: options.profile != .highPorts)
  }
}
