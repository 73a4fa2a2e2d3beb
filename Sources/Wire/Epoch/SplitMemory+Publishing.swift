internal import Synchronization

/// What a publisher of a cluster must not lose when it is killed: the step that it is taking, and how far it came with
/// each shard.
///
/// A step is written down before the first of its messages goes out: up to where it takes its inputs, and whether every
/// shard gets a message. A publisher that takes the place of a dead one makes the same messages of the same slots again,
/// under the same names. What the step changes is written to the other of two banks, and one store makes that the
/// one that counts, when all messages are stored; only then are slots released.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 64 | 8 | phase of the step (0 none, 1 begun, 2 stored) + 256 × the bank that counts |
/// | 256 | 8 × 64 | by input: released up to, after the step |
/// | 1024 | 8 × 64 | by input: ticks up to which it had come before the step |
/// | 1536 | 8 | flags of the step |
/// | 1544, 1552 | 8 | where the spool ended before it: segment, offset |
/// | 1600 | 1,088 | bank 0: by shard batches and records so far (8 × 64 each), then dropped, spooled, batches, bytes |
/// | 2688 | 1,088 | bank 1 |
extension SplitMemory {
  /// A step of a publisher.
  public struct Publishing: Equatable, Sendable {
    /// By input: slots below are in the step or were before.
    public var inputs: [UInt64]
    /// Every shard gets a message, though it has no records.
    public var isBeat = false
    /// The run's last: all inputs have ended.
    public var isLast = false
    /// By input: ticks up to which it has come before the step.
    public var reached: [UInt64]
    /// Where the spool ended.
    public var spoolSegment: UInt64 = 0
    public var spoolOffset: UInt64 = 0

    public init(inputs: [UInt64], reached: [UInt64]) {
      self.inputs = inputs
      self.reached = reached
    }
  }

  /// How far a publisher came.
  public struct Published: Equatable, Sendable {
    /// By shard.
    public var batches: [UInt64]
    public var records: [UInt64]
    /// Records that the spool had no room for, and those that it took, of all shards.
    public var dropped: UInt64 = 0
    public var spooled: UInt64 = 0
    /// Bytes of all messages.
    public var bytes: UInt64 = 0

    public init(shards: Int) {
      batches = [UInt64](repeating: 0, count: shards)
      records = batches
    }
  }

  private static let (flagsOffset, bankOffset, bankBytes) = (1536, 1600, 1088)
  private static let (begun, stored): (UInt64, UInt64) = (1, 2)

  private var state: UInt64 { word(64).pointee.load(ordering: .sequentiallyConsistent) }
  private var bank: UInt64 { state >> 8 & 1 }

  private func setPhase(_ phase: UInt64, bank: UInt64) {
    word(64).pointee.store(phase | bank << 8, ordering: .sequentiallyConsistent)
  }

  /// Writes a step down; from now on it will be taken, whatever happens.
  public func beginPublishing(_ step: Publishing) {
    precondition(step.inputs.count <= SplitMemory.ringsMax)
    for (place, position) in step.inputs.enumerated() {
      word(256 + 8 * place).pointee.store(position, ordering: .relaxed)
    }
    for (place, tick) in step.reached.enumerated() {
      word(1024 + 8 * place).pointee.store(tick, ordering: .relaxed)
    }
    let flags: UInt64 = (step.isBeat ? 1 : 0) | (step.isLast ? 2 : 0)
    word(SplitMemory.flagsOffset).pointee.store(flags, ordering: .relaxed)
    word(SplitMemory.flagsOffset + 8).pointee.store(step.spoolSegment, ordering: .relaxed)
    word(SplitMemory.flagsOffset + 16).pointee.store(step.spoolOffset, ordering: .relaxed)
    setPhase(SplitMemory.begun, bank: bank)
  }

  /// All messages of the step are where they can't be lost; its slots may be released.
  public func setPublished(_ published: Published) {
    let other = 1 - bank
    func set(_ place: Int, _ value: UInt64) {
      let offset = SplitMemory.bankOffset + Int(other) * SplitMemory.bankBytes + 8 * place
      word(offset).pointee.store(value, ordering: .relaxed)
    }
    for (shard, count) in published.batches.enumerated() { set(shard, count) }
    for (shard, count) in published.records.enumerated() { set(64 + shard, count) }
    set(128, published.dropped)
    set(129, published.spooled)
    set(130, published.bytes)
    setPhase(SplitMemory.stored, bank: other)
  }

  /// The step's slots are released.
  public func endPublishing() { setPhase(0, bank: bank) }

  /// How far the publisher came before the step that it is taking, or with the one that it has just stored.
  public func published(shards: Int) -> Published {
    precondition(shards <= VirtualShard.countMax)
    let begin = SplitMemory.bankOffset + Int(bank) * SplitMemory.bankBytes
    func get(_ place: Int) -> UInt64 { word(begin + 8 * place).pointee.load(ordering: .relaxed) }
    var published = Published(shards: shards)
    for shard in 0..<shards {
      published.batches[shard] = get(shard)
      published.records[shard] = get(64 + shard)
    }
    published.dropped = get(128)
    published.spooled = get(129)
    published.bytes = get(130)
    return published
  }

  /// The step that a dead publisher had begun, and whether its messages are all stored; nil where there is none.
  public func publishing(inputs: Int) -> (step: Publishing, isStored: Bool)? {
    let phase = state & 0xFF
    guard phase != 0 else { return nil }
    return (writtenStep(inputs: inputs), phase == SplitMemory.stored)
  }

  /// Whether the last step of the run has been stored.
  public var isPublishingOver: Bool {
    let flags = word(SplitMemory.flagsOffset).pointee.load(ordering: .relaxed)
    return flags & 2 != 0 && state & 0xFF != SplitMemory.begun
  }

  /// By input: ticks up to which it had come before the step that was written down last.
  public func reached(inputs: Int) -> [UInt64] {
    (0..<inputs).map { word(1024 + 8 * $0).pointee.load(ordering: .relaxed) }
  }

  private func writtenStep(inputs: Int) -> Publishing {
    var step = Publishing(
      inputs: (0..<inputs).map { word(256 + 8 * $0).pointee.load(ordering: .relaxed) },
      reached: reached(inputs: inputs))
    let flags = word(SplitMemory.flagsOffset).pointee.load(ordering: .relaxed)
    step.isBeat = flags & 1 != 0
    step.isLast = flags & 2 != 0
    step.spoolSegment = word(SplitMemory.flagsOffset + 8).pointee.load(ordering: .relaxed)
    step.spoolOffset = word(SplitMemory.flagsOffset + 16).pointee.load(ordering: .relaxed)
    return step
  }
}
