internal import Cluster
internal import Glibc
internal import Wire

/// A publisher between its steps: cuts what lies in the rings by shard, and sees to it that each message is stored
/// once in the cluster, or lies in the spool, before the slots that it was made of are given back.
///
/// A *step* is what is cut at once: no batch spans two. It is written down before the first message goes out, and made again,
/// the same, by a process that takes the place of one that was killed in it (`SplitMemory+Publishing`).
///
/// Of one shard at most one message is on its way at a time: were the first of two lost and the second stored, the shard's
/// order would be gone. For the same reason everything goes to the spool once there is something in it, until it is empty.
/// What was perhaps stored already is kept, whatever it takes; what was certainly not may be dropped.
final class ShardPublishing {
  private let readers: UnsafeMutablePointer<RingReader>
  private let inputs: Int
  private let settings: PublisherSettings
  private let memory: SplitMemory
  private let log: any ClusterLog
  let spool: Spool
  private var cut: ShardCut
  private(set) var published: SplitMemory.Published
  /// The step that a dead publisher had begun.
  private var begun: SplitMemory.Publishing?
  /// By input: ticks up to which it has come, and the report that it ended with.
  private var reached: [UInt64]
  private var reports: [[UInt8]?]
  private(set) var newestTick: UInt64 = 0
  /// Records taken by this process.
  private(set) var records: UInt64 = 0
  private var steppedAt = 0.0
  private var beatAt = 0.0
  /// Not before then is the cluster asked again.
  private var retryAt = 0.0
  private var retrySeconds = ShardPublishing.retrySecondsMin
  /// What keeps messages from the cluster, and from the spool; nil while nothing does.
  private(set) var problem: String?
  private(set) var spoolProblem: String?
  private(set) var disconnects: UInt64 = 0

  /// Slots that one step takes, at most: 4 MiB.
  static let stepSlotsMax = 64
  /// How long slots wait for a step to become large, and a shard for a message.
  private static let stepSeconds = 0.2
  private static let beatSeconds = 1.0
  /// Of the spool at once.
  private static let portionBytes = 4 << 20
  private static let retrySecondsMin = 0.5
  private static let retrySecondsMax = 8.0
  /// How long the end of a run is kept waiting by a disk that takes nothing.
  private static let lastStepSeconds = 30.0

  /// - Throws: what `input` throws.
  init(
    _ settings: PublisherSettings, inputs: Int, input: (Int) throws -> Ring, memory: SplitMemory,
    addresses: SharedAddresses, log: any ClusterLog, spool: Spool
  ) throws {
    let rings = UnsafeMutablePointer<RingReader>.allocate(capacity: inputs)
    var made = 0
    do {
      while made < inputs {
        (rings + made).initialize(to: RingReader(try input(made)))
        made += 1
      }
    } catch {
      rings.deinitialize(count: made)
      rings.deallocate()
      throw error
    }
    readers = rings
    self.inputs = inputs
    self.settings = settings
    self.memory = memory
    self.log = log
    self.spool = spool
    cut = ShardCut(shards: settings.shards, shared: addresses)
    published = memory.published(shards: settings.shards)
    reached = memory.reached(inputs: inputs)
    newestTick = reached.max() ?? 0
    reports = [[UInt8]?](repeating: nil, count: inputs)
    if let (step, isStored) = memory.publishing(inputs: inputs) {
      if isStored {
        for (place, position) in step.inputs.enumerated() { readers[place].seek(to: position) }
        release(step)
      } else {
        begun = step
      }
    }
  }

  deinit {
    readers.deinitialize(count: inputs)
    readers.deallocate()
  }

  /// Whether all inputs have ended and the run's last messages are stored or spooled.
  var isOver: Bool { begun == nil && memory.isPublishingOver }

  /// The share of the fullest ring that is taken.
  var fillMax: Double {
    var most = 0.0
    for place in 0..<inputs {
      most = max(most, Double(readers[place].waiting()) / Double(readers[place].slotCount))
    }
    return most
  }

  // MARK: - Steps

  /// What a report is made of, besides the board.
  struct Progress {
    /// Those that inputs ended with.
    var reports: [[UInt8]]
    /// All that were sent, with those of the step.
    var records: UInt64
    /// Nothing follows.
    var isLast: Bool
  }

  /// Takes a step, if one is due.
  ///
  /// - Parameters:
  ///   - now: seconds of a clock that nobody sets.
  ///   - report: makes the capture's report.
  /// - Returns: whether there was one.
  /// - Throws: `BatchError` where an input is not batches; `PublisherError`.
  func step(now: Double, report: (Progress) throws -> [UInt8]) throws -> Bool {
    if let step = begun {
      spool.rewind(to: Spool.Mark(segment: step.spoolSegment, offset: step.spoolOffset))
      try take(step, isAgain: true, now: now, report)
      begun = nil
      return true
    }
    guard !memory.isPublishingOver, var step = try nextStep(now: now) else { return false }
    let mark = spool.mark
    (step.spoolSegment, step.spoolOffset) = (mark.segment, mark.offset)
    memory.beginPublishing(step)
    try take(step, isAgain: false, now: now, report)
    return true
  }

  /// What there is to take; nil where that can wait.
  private func nextStep(now: Double) throws -> SplitMemory.Publishing? {
    let slotsMax = max(1, ShardPublishing.stepSlotsMax / inputs)
    var step = SplitMemory.Publishing(inputs: [], reached: reached)
    var (slots, ended) = (0, 0)
    var isPressing = false
    for place in 0..<inputs {
      let waiting = readers[place].waiting()
      isPressing = isPressing || waiting >= slotsMax || waiting * 4 > readers[place].slotCount
      let begin = readers[place].position
      let records = try recordSlots(of: place, atMost: slotsMax)
      step.inputs.append(begin + UInt64(records.count))
      slots += records.count
      ended += records.isEnded ? 1 : 0
    }
    step.isLast = ended == inputs && slots == 0
    // Nothing is said of a time that is not known yet.
    let isKnown = newestTick > 0 || slots > 0
    step.isBeat = step.isLast || (isKnown && now >= beatAt + ShardPublishing.beatSeconds)
    let isTime = slots > 0 && now >= steppedAt + ShardPublishing.stepSeconds
    return isPressing || isTime || step.isBeat ? step : nil
  }

  /// How many batches of records lie in an input, and whether nothing comes behind them. The report that it may end with
  /// stays in its ring, so that a publisher which takes over finds it.
  private func recordSlots(
    of place: Int, atMost slotsMax: Int
  ) throws -> (count: Int, isEnded: Bool) {
    let begin = readers[place].position
    defer { readers[place].seek(to: begin) }
    var count = 0
    while count < slotsMax {
      switch readers[place].poll() {
      case .empty: return (count, false)
      case .ended: return (count, true)
      case .slot(let slot):
        let batch = try BatchReader(slot)
        if batch.header.kind == .report {
          if reports[place] == nil { reports[place] = Array(batch.payload) }
          return (count, true)
        }
        count += 1
        readers[place].advance()
      }
    }
    return (count, false)
  }

  private func take(
    _ step: SplitMemory.Publishing, isAgain: Bool, now: Double,
    _ report: (Progress) throws -> [UInt8]
  ) throws {
    let batches = try cutSlots(of: step)
    var after = published
    let text =
      step.isBeat
      ? try report(
        Progress(
          reports: reports.compactMap(\.self),
          records: batches.reduce(published.records.reduce(0, &+)) {
            $0 + UInt64($1.records.count / PacketRecord.bytes)
          }, isLast: step.isLast)) : []
    let waves = messages(of: step, batches, report: text, &after)
    let taken = after.records.reduce(0, &+) - published.records.reduce(0, &+)
    switch try deliver(waves, mayDrop: !isAgain && !step.isLast, isLast: step.isLast, now: now) {
    case .dropped:
      published.dropped += taken
    case .kept(let spooled):
      after.spooled += spooled
      published = after
    }
    memory.setPublished(published)
    release(step)
    records += taken
    steppedAt = now
    if step.isBeat { beatAt = now }
  }

  private func release(_ step: SplitMemory.Publishing) {
    for (place, position) in step.inputs.enumerated() { readers[place].release(upTo: position) }
    memory.endPublishing()
  }

  /// Cuts the step's slots in the order of their times, as far as each ring is in it.
  private func cutSlots(of step: SplitMemory.Publishing) throws -> [ShardCut.Batch] {
    while true {
      var (earliest, place) = (UInt64.max, -1)
      for input in 0..<inputs where readers[input].position < step.inputs[input] {
        guard case .slot(let slot) = readers[input].poll() else { continue }
        let baseTick = try BatchReader(slot).header.baseTick
        if place < 0 || baseTick < earliest { (earliest, place) = (baseTick, input) }
      }
      guard place >= 0, case .slot(let slot) = readers[place].poll() else { break }
      let tick = try cut.cut(slot)
      reached[place] = max(reached[place], tick)
      newestTick = max(newestTick, tick)
      readers[place].advance()
    }
    return cut.finish()
  }

  /// The step's messages, in waves of one a shard at most; what is published with them goes into `after`.
  private func messages(
    of step: SplitMemory.Publishing, _ batches: [ShardCut.Batch], report: [UInt8],
    _ after: inout SplitMemory.Published
  ) -> [[Message]] {
    var byShard = [[ShardCut.Batch]](repeating: [], count: settings.shards)
    for batch in batches { byShard[batch.shard].append(batch) }
    let reachedTick = reachedTick(isLast: step.isLast)
    var waves: [[Message]] = []
    for shard in 0..<settings.shards {
      if step.isBeat && byShard[shard].isEmpty {
        byShard[shard].append(
          ShardCut.Batch(
            shard: shard, baseTick: reachedTick,
            period: UInt32(truncatingIfNeeded: Tick.nanoseconds(reachedTick) / 60_000_000_000),
            addresses: [], records: []))
      }
      for (place, cut) in byShard[shard].enumerated() {
        let isLastOfStep = place == byShard[shard].count - 1
        var batch = RecordBatch()
        batch.point = settings.point
        batch.run = settings.run
        batch.shard = UInt16(shard)
        batch.shardCount = UInt16(settings.shards)
        batch.sequence = after.batches[shard] + 1
        batch.recordsBefore = after.records[shard]
        batch.baseTick = cut.baseTick
        batch.period = cut.period
        // What comes behind it in this step may be older.
        batch.reachedTick = isLastOfStep ? reachedTick : cut.baseTick
        batch.isLast = step.isLast && isLastOfStep
        if shard == 0 && isLastOfStep { batch.report = report }
        batch.addresses = cut.addresses
        batch.records = cut.records
        let entry = LogEntry(
          subject: ClusterSubject.records(point: settings.point, shard: shard),
          id: "\(settings.point).\(settings.run).\(shard).\(batch.sequence)",
          payload: batch.encoded())
        after.batches[shard] += 1
        after.records[shard] += UInt64(batch.recordCount)
        after.bytes += UInt64(entry.payload.count)
        if waves.count <= place { waves.append([]) }
        waves[place].append(Message(entry: entry, records: UInt64(batch.recordCount)))
      }
    }
    return waves
  }

  private struct Message {
    var entry: LogEntry
    var records: UInt64
  }

  /// Ticks up to which all of them have come that go on.
  private func reachedTick(isLast: Bool) -> UInt64 {
    let known = reached.filter { $0 > 0 }
    if isLast || inputs == 1 { return known.max() ?? 0 }
    var going: [UInt64] = []
    for place in 0..<inputs where reached[place] > 0 && reports[place] == nil {
      going.append(reached[place])
    }
    return going.min() ?? known.max() ?? 0
  }

  // MARK: - Delivery

  private enum Delivery {
    /// Stored, or in the spool: so many records.
    case kept(spooled: UInt64)
    case dropped
  }

  private func deliver(
    _ waves: [[Message]], mayDrop: Bool, isLast: Bool, now: Double
  ) throws(PublisherError) -> Delivery {
    let isDirect = spool.isEmpty && log.isConnected && now >= retryAt
    let rest = isDirect ? store(waves, now: now) : waves.flatMap(\.self)
    if rest.isEmpty { return .kept(spooled: 0) }
    if spool.isEmpty && !isDirect { noteDisconnect() }
    let spooled = rest.reduce(0) { $0 + $1.records }
    if !isDirect && mayDrop {
      return append(rest, isForced: false, now: now) ? .kept(spooled: spooled) : .dropped
    }
    // Some of it may be stored already: it must not be lost now, and its numbers not be given again.
    var left = rest
    while !append(left, isForced: true, now: now) {
      usleep(200_000)
      if log.isConnected && spool.isEmpty {
        left = store(ShardPublishing.waves(left), now: Clock.seconds())
        if left.isEmpty { return .kept(spooled: 0) }
      }
      if isLast && Clock.seconds() > now + ShardPublishing.lastStepSeconds {
        throw .nowhere(spoolProblem ?? problem ?? "")
      }
    }
    return .kept(spooled: left.reduce(0) { $0 + $1.records })
  }

  /// Of one shard one message at a time, in their order.
  private static func waves(_ messages: [Message]) -> [[Message]] {
    var waves: [[Message]] = []
    var depth: [String: Int] = [:]
    for message in messages {
      let place = depth[message.entry.subject, default: 0]
      depth[message.entry.subject] = place + 1
      if waves.count <= place { waves.append([]) }
      waves[place].append(message)
    }
    return waves
  }

  /// Stores messages wave by wave; answers those that are perhaps not stored.
  private func store(_ waves: [[Message]], now: Double) -> [Message] {
    for (place, wave) in waves.enumerated() {
      let missing = store(wave.map(\.entry), now: now)
      guard missing.isEmpty else {
        return missing.map { wave[$0] } + waves[(place + 1)...].flatMap(\.self)
      }
    }
    return []
  }

  /// Stores entries; answers the places of those that are perhaps not.
  private func store(_ entries: [LogEntry], now: Double) -> [Int] {
    do {
      guard let missing = try log.store(entries), !missing.isEmpty else {
        problem = nil
        retrySeconds = ShardPublishing.retrySecondsMin
        return []
      }
      failed("\(missing.count) of \(entries.count) messages were not acknowledged", now: now)
      return missing
    } catch {
      failed("\(error)", now: now)
      return Array(entries.indices)
    }
  }

  private func failed(_ why: String, now: Double) {
    if problem == nil { disconnects += 1 }
    problem = why
    retryAt = now + retrySeconds
    retrySeconds = min(2 * retrySeconds, ShardPublishing.retrySecondsMax)
  }

  private func noteDisconnect() {
    guard problem == nil else { return }
    disconnects += 1
    problem = "no connection"
  }

  private func append(_ messages: [Message], isForced: Bool, now: Double) -> Bool {
    do {
      let isTaken = try spool.append(messages.map(\.entry), isForced: isForced, now: now)
      spoolProblem = isTaken ? nil : "the spool is full, or its disk"
      return isTaken
    } catch {
      spoolProblem = "\(error)"
      return false
    }
  }

  // MARK: - The spool

  /// Sends a portion of what is in the spool, if the cluster is there.
  ///
  /// - Returns: whether anything was sent.
  func drain(now: Double) -> Bool {
    spool.sync(now: now)
    guard !spool.isEmpty, log.isConnected, now >= retryAt else {
      if !spool.isEmpty && !log.isConnected { noteDisconnect() }
      return false
    }
    let portion = spool.next(bytesMax: ShardPublishing.portionBytes)
    guard !portion.entries.isEmpty else { return false }
    let count = store(portion.entries, now: now).min() ?? portion.entries.count
    spool.sent(count, of: portion)
    return count > 0
  }

  /// Rests until something may have come.
  func rest() {
    // A ring that is closed lets nobody wait.
    if memory.isPublishingOver {
      usleep(20_000)
    } else if inputs == 1 && readers[0].waiting() == 0 {
      readers[0].wait()
    } else {
      usleep(2_000)
    }
  }
}
