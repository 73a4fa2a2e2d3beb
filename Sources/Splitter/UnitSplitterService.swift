internal import Glibc
public import Wire

extension SplitterService {
  /// Runs as part of a unit until all inputs have ended: several streams of records, one of each collector, to
  /// several trackers. May be killed at any moment; another one with the same `memory` and rings then goes
  /// on, and nothing is lost or sent twice.
  ///
  /// - Parameters:
  ///   - inputs, outputs: how many rings there are; `input` and `output` open them.
  ///   - process: this process's line on `status`.
  /// - Throws: what `input` and `output` throw, and `BatchError` where an input is not batches.
  public static func run(
    inputs: Int, input: (Int) throws -> Ring, outputs: Int, output: (Int) throws -> Ring,
    memory: SplitMemory, addresses: SharedAddresses, status: borrowing StatusBoard, process: Int
  ) throws {
    var unit = try UnitSplitting(
      inputs: inputs, input: input, outputs: outputs, output: output, memory: memory,
      addresses: addresses)
    var items = status.get(.items, of: process)
    while true {
      let round = try unit.round()
      items += UInt64(round.records)
      status.set(.items, of: process, to: items)
      status.set(.newestTick, of: process, to: unit.newestTick)
      var lost = Accounting()
      lost[.droppedByRing] = memory.dropped
      status.set(lost, of: process)
      if round.isEnded { break }
    }
    unit.end()
  }
}

/// A unit's splitter between rounds.
struct UnitSplitting: ~Copyable {
  private let readers: UnsafeMutablePointer<RingReader>
  private let inputs: Int
  private let memory: SplitMemory
  private var splitting: Splitting
  private var isCut: Bool
  private let startedAt: Double
  private var period: UInt32 = 0
  private(set) var newestTick: UInt64 = 0

  /// Batches that one step takes, at most: enough to fill the trackers' batches, and no more than a ring has
  /// slots for before they are published.
  private static let roundBatches = 16
  /// How long to wait for a sample of the traffic.
  private static let sampleSeconds = 2.0

  init(
    inputs: Int, input: (Int) throws -> Ring, outputs: Int, output: (Int) throws -> Ring,
    memory: SplitMemory, addresses: SharedAddresses
  ) throws {
    let rings = UnsafeMutablePointer<RingReader>.allocate(capacity: inputs)
    var made = 0
    do {
      while made < inputs {
        (rings + made).initialize(to: RingReader(try input(made)))
        made += 1
      }
      splitting = Splitting(
        output: try FanOut(outputs, stages: true, ring: output), trackers: outputs,
        shared: addresses)
    } catch {
      rings.deinitialize(count: made)
      rings.deallocate()
      throw error
    }
    readers = rings
    self.inputs = inputs
    self.memory = memory
    startedAt = Clock.seconds()
    isCut = outputs == 1
    if let sample = memory.sample {
      splitting.cut(from: sample)
      isCut = true
    }
    splitting.output.goOn(dropped: memory.dropped)
    if let step = memory.begun(inputs: inputs, outputs: outputs) {
      for (place, position) in step.inputs.enumerated() { readers[place].seek(to: position) }
      take(step)
    }
  }

  deinit {
    readers.deinitialize(count: inputs)
    readers.deallocate()
  }

  /// One step: what has come in goes out.
  ///
  /// - Returns: how many records it took, and whether all inputs have ended and were read.
  mutating func round() throws -> (records: Int, isEnded: Bool) {
    if !isCut, try !cut() { return (0, false) }
    var records = 0
    var ended = 0
    var isIdle = true
    for place in 0..<inputs {
      splitting.output.mayDrop = readers[place].waiting() * 4 > readers[place].slotCount * 3
      taking: for _ in 0..<max(1, UnitSplitting.roundBatches / inputs) {
        switch readers[place].poll() {
        case .slot(let slot):
          // It would wait for one tracker, and hold up the others meanwhile.
          if !splitting.output.mayDrop && !splitting.output.hasRoom { break taking }
          records += try handle(slot)
          readers[place].advance()
          isIdle = false
        case .empty: break taking
        case .ended:
          ended += 1
          break taking
        }
      }
    }
    if !isIdle {
      let step = SplitMemory.Step(
        inputs: (0..<inputs).map { readers[$0].position }, outputs: splitting.output.stage(),
        dropped: splitting.output.dropped)
      memory.begin(step)
      take(step)
    } else if !splitting.output.hasRoom {
      usleep(300)
    } else if ended < inputs {
      rest()
    }
    return (records, isIdle && ended == inputs)
  }

  private mutating func take(_ step: SplitMemory.Step) {
    splitting.output.publish(upTo: step.outputs)
    for (place, position) in step.inputs.enumerated() { readers[place].release(upTo: position) }
    memory.end()
  }

  private mutating func handle(_ slot: UnsafeRawBufferPointer) throws -> Int {
    let batch = try BatchReader(slot)
    guard batch.header.kind == .records else { throw BatchError.unknownKind }
    if batch.header.period != period {
      // A batch has packets of one period only.
      _ = splitting.output.stage()
      period = batch.header.period
    }
    newestTick = max(newestTick, batch.header.baseTick)
    if batch.header.itemCount == 0 {
      splitting.output.beat(batch.header)
      return 0
    }
    return try splitting.handle(slot)
  }

  /// Waits for a sample of the traffic, which stays in the rings, and cuts the ranges from it; once a run.
  ///
  /// - Returns: false where more has to come first.
  private mutating func cut() throws -> Bool {
    var waiting = 0
    var isAnyFull = false
    var ended = 0
    for place in 0..<inputs {
      waiting += readers[place].waiting()
      isAnyFull = isAnyFull || readers[place].waiting() * 2 > readers[place].slotCount
      if case .ended = readers[place].poll() { ended += 1 }
    }
    let isTime = Clock.seconds() - startedAt > UnitSplitting.sampleSeconds
    guard
      waiting >= SplitterService.sampleBatches || isAnyFull || (isTime && waiting > 0)
        || ended == inputs
    else {
      rest()
      return false
    }
    var sample: [UInt64] = []
    for place in 0..<inputs {
      let begin = readers[place].position
      while sample.count < SplitMemory.sampleMax, case .slot(let slot) = readers[place].poll() {
        splitting.addSample(of: try BatchReader(slot), every: 16, to: &sample)
        readers[place].advance()
      }
      readers[place].seek(to: begin)
    }
    // A quiet beginning tells nothing; then all is cut evenly.
    if sample.count < 64 { sample += UnitSplitting.evenly }
    memory.sample = sample
    splitting.cut(from: memory.sample ?? sample)
    isCut = true
    return true
  }

  /// Keys all over the space.
  private static let evenly = (0..<4096).map { UInt64($0) << 52 }

  private mutating func rest() {
    if inputs == 1 { readers[0].wait() } else { usleep(300) }
  }

  /// Nothing follows.
  mutating func end() { splitting.output.end() }
}
