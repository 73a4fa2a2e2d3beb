import Cluster
import Glibc
import TestSupport
import Testing
import Wire

@testable import Splitter

/// A publisher, killed at every point of a step, cut off from its cluster, and without room.
@Suite struct PublishingTests {
  /// Ends the inputs, and takes what is left.
  private func finish(_ run: PublisherRun, _ publishing: ShardPublishing) throws {
    try run.closeInputs()
    for _ in 0..<5000 where !publishing.isOver || !publishing.spool.isEmpty {
      _ = try run.step(publishing)
      _ = publishing.drain(now: run.now)
    }
    #expect(publishing.isOver && publishing.spool.isEmpty)
  }

  @Test(
    "each record arrives once and in order, wherever publishers are killed",
    arguments: [(1, 1), (1, 8), (2, 4), (3, 16)])
  func killed(inputs: Int, shards: Int) throws {
    var generator = TestSeed.generator(for: "publisher \(inputs)")
    let run = try PublisherRun(inputs: inputs, shards: shards)
    var publishing: ShardPublishing? = try run.publishing()
    var inMiddle = 0
    for round in 0..<120 {
      for input in 0..<inputs {
        try run.send(input, batches: .random(in: 0...12, using: &generator), using: &generator)
      }
      let before = run.before
      // Some of a step's messages are not acknowledged, and go to the spool.
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: run.log.loseAnswers(1)
      case 1: run.log.loseRequests(1)
      case 2: run.log.storeOnly(first: .random(in: 0...shards, using: &generator))
      default: break
      }
      let isStep = try run.step(publishing!, after: .random(in: 0.1...0.5, using: &generator))
      if isStep {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
          publishing = nil
          run.undoStored(before)
          // The window of de-duplication may be over.
          if round % 3 == 0 { run.server.forgetIDs() }
          publishing = try run.publishing()
          #expect(try run.step(publishing!, after: 0))
          inMiddle += 1
        case 1:
          publishing = nil
          run.undoReleased(before, but: .random(in: 0...inputs, using: &generator))
          publishing = try run.publishing()
          inMiddle += 1
        case 2:
          publishing = nil
          publishing = try run.publishing()
        default: break
        }
      }
      if Bool.random(using: &generator) { _ = publishing!.drain(now: run.now) }
    }
    try finish(run, publishing!)
    let arrived = try run.arrived()
    #expect(inMiddle > 20)
    #expect(arrived.records > 20_000)
    #expect(publishing!.published.dropped == 0)
    #expect(publishing!.published.records.reduce(0, +) == UInt64(arrived.records))
  }

  @Test("what can't be sent waits on disk, and arrives in order")
  func unreachable() throws {
    var generator = TestSeed.generator(for: "unreachable")
    let run = try PublisherRun(inputs: 1, shards: 4)
    let publishing = try run.publishing()
    for round in 0..<120 {
      try run.send(0, batches: 8, using: &generator)
      run.log.isCutOff = (30..<70).contains(round) || (80..<90).contains(round)
      _ = try run.step(publishing)
      _ = publishing.drain(now: run.now)
      if round == 69 {
        #expect(publishing.spool.waitingBytes > 10_000)
        #expect(publishing.problem != nil)
      }
    }
    #expect(publishing.disconnects == 2)
    try finish(run, publishing)
    #expect(try run.arrived().replayed == 0)
    #expect(publishing.published.spooled > 5000 && publishing.published.dropped == 0)
    #expect(publishing.problem == nil)
  }

  @Test("what the spool of a run before holds is sent first, and as it is")
  func olderRun() throws {
    var generator = TestSeed.generator(for: "older run")
    let run = try PublisherRun(inputs: 1, shards: 2)
    run.log.isCutOff = true
    do {
      let publishing = try run.publishing()
      try run.send(0, batches: 20, using: &generator)
      #expect(try run.step(publishing))
    }
    let next = try PublisherRun(inputs: 1, shards: 2)
    let log = MemoryLog(on: next.server)
    let publishing = try ShardPublishing(
      PublisherSettings(point: "core-1", run: 99, shards: 2, interfaces: ["eth0"]), inputs: 1,
      input: { _ in try openRing(next.inputs[0]) }, memory: next.memory,
      addresses: next.addresses, log: log, spool: try run.spool())
    try next.send(0, batches: 5, using: &generator)
    #expect(try next.step(publishing))
    while publishing.drain(now: next.now) {}
    let runs = try next.server.messages(of: .records).map {
      try RecordBatch(decoding: $0.payload).run
    }
    #expect(runs == runs.sorted() && Set(runs) == [77, 99])
  }

  @Test("what the full spool does not take is counted, to the record, and leaves no gap")
  func full() throws {
    var generator = TestSeed.generator(for: "full spool")
    let run = try PublisherRun(inputs: 2, shards: 4, spoolBytesMax: 60_000)
    var publishing: ShardPublishing? = try run.publishing()
    var outage = 0
    for round in 0..<200 {
      for input in 0..<2 { try run.send(input, batches: 6, using: &generator) }
      run.log.isCutOff = (20..<120).contains(round)
      let before = run.before
      _ = try run.step(publishing!)
      if (20..<120).contains(round) && round % 9 == 0 {
        publishing = nil
        run.undoReleased(before, but: 1)
        publishing = try run.publishing()
      }
      if round == 119 { outage = publishing!.spool.bytes }
      _ = publishing!.drain(now: run.now)
    }
    #expect(outage > 20_000 && outage <= 60_000)
    try finish(run, publishing!)
    let arrived = try run.arrived(isComplete: false)
    let dropped = publishing!.published.dropped
    #expect(dropped > 5000)
    #expect(arrived.missing == 0)
    #expect(UInt64(arrived.records) + dropped == run.sent.reduce(0) { $0 + UInt64($1) })
    #expect(arrived.isLast.count == 4)
  }

  @Test("a refusal keeps the records")
  func refused() throws {
    var generator = TestSeed.generator(for: "refused")
    let run = try PublisherRun(inputs: 1, shards: 2)
    let publishing = try run.publishing()
    run.log.refusal = "no permission"
    for _ in 0..<5 {
      try run.send(0, batches: 5, using: &generator)
      _ = try run.step(publishing)
    }
    #expect(publishing.problem?.contains("no permission") == true)
    #expect(publishing.published.spooled == UInt64(run.sent[0]))
    run.log.refusal = nil
    run.now += 60
    try finish(run, publishing)
    _ = try run.arrived()
  }

  @Test("every second each shard hears of the time, and the first one of the capture")
  func beats() throws {
    var generator = TestSeed.generator(for: "beats")
    let run = try PublisherRun(inputs: 1, shards: 8)
    let publishing = try run.publishing()
    for _ in 0..<20 {
      // Batches without records.
      try run.send(0, batches: 1, recordsMax: 0, using: &generator)
      _ = try run.step(publishing, after: 0.5)
    }
    let messages = run.server.messages(of: .records)
    let ofFirst = try messages.filter { $0.subject.hasSuffix(".0") }.map {
      try RecordBatch(decoding: $0.payload)
    }
    #expect((9...11).contains(ofFirst.count) && messages.count == 8 * ofFirst.count)
    #expect(ofFirst.allSatisfy { !$0.report.isEmpty && $0.records.isEmpty })
    #expect(ofFirst.last?.reachedTick == PublisherRun.firstTick)
    try run.send(0, batches: 3, using: &generator)
    try finish(run, publishing)
    let arrived = try run.arrived()
    #expect(arrived.lastReports.last == "\(run.sent[0]) true")
    #expect(arrived.beats >= 8 * 9)
  }

  @Test("many records of one pair become several messages of one shard, in order")
  func heavy() throws {
    var generator = TestSeed.generator(for: "heavy")
    let run = try PublisherRun(inputs: 1, shards: 1)
    let publishing = try run.publishing()
    for _ in 0..<30 {
      try run.send(0, batches: 64, recordsMax: 150, using: &generator)
      run.log.storeOnly(first: 0)
      _ = try run.step(publishing)
      _ = publishing.drain(now: run.now)
    }
    try finish(run, publishing)
    #expect(try run.arrived().records > 100_000)
  }

  @Test("the service ends with everything stored, and says how it is")
  func service() throws {
    var generator = TestSeed.generator(for: "service")
    let run = try PublisherRun(inputs: 2, shards: 4)
    for input in 0..<2 { try run.send(input, batches: 20, using: &generator) }
    for input in 0..<2 {
      var accounting = Accounting()
      accounting[.mapped] = UInt64(run.sent[input])
      accounting[.filtered] = 5
      run.board.set(accounting, of: input)
    }
    try run.closeInputs()
    let spool = try run.spool()
    let identity = ProcessStatus(
      role: .collector, name: "core-1", host: "here", pid: 1, version: "1", incarnation: 1,
      atSeconds: 1)
    try SplitterService.publish(
      run.settings, inputs: 2, input: { try openRing(run.inputs[$0]) }, memory: run.memory,
      addresses: run.addresses, log: run.log, spool: spool, identity: identity,
      usage: { (1, 2) }, status: run.board)
    let arrived = try run.arrived()
    let sent = UInt64(arrived.records)
    let report = try #require(arrived.lastReports.last)
    #expect(report.contains("\"mapped\":\(sent)") && report.contains("\"filtered\":10"))
    let status = try #require(try run.log.get("collector.core-1", in: .status))
    let text = String(decoding: status.value, as: UTF8.self)
    #expect(text.contains("\"isEnded\":true") && text.contains("\"records\":\(sent)"))
    #expect(run.board.get(.clusterState, of: 2) == 1)
    #expect(run.board.get(.batches, of: 2) == UInt64(arrived.batches))
  }
}
