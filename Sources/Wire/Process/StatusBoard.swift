internal import Synchronization

/// What each process of a run tells about itself, in shared memory: the supervisor reads it for the progress bar
/// and for the status, and the merger for the accounting of live captures. It outlives the processes, so a
/// process that takes the place of one that died goes on counting where that one stopped.
///
/// Shape: 512 bytes a process, so that no two share a cache line; in it 64-bit counters in the order of
/// `Field`, all since the start of the run.
public struct StatusBoard: ~Copyable {
  private let memory: SharedMemory
  private static let lineBytes = 512

  public enum Field: Int, Sendable {
    /// Bytes of input read, and in all; 0 where the end is unknown.
    case inputBytes
    case inputBytesTotal
    /// Packets, records or rows handled.
    case items
    /// Collector: what became of its packets, by outcome, in the order of `PacketOutcome`; of the splitter
    /// only what it dropped. The first of as many words as there are outcomes.
    case outcomes
    /// Collector: ticks since 1970 of its first and its latest packet.
    case startTick = 17
    case endTick
    /// Collector: frame octets on the wire.
    case frameBytes
    /// Collector: packets whose length did not fit 16 bits.
    case lengthSaturated
    /// Collector: how often the clock was set during the capture, the last time by how many ticks (signed) and
    /// when.
    case clockSteps
    case clockStepTicks
    case clockStepAt
    /// Collector: 0 not yet capturing, 1 capturing, 2 the interface is down, 3 it is missing.
    case interfaceState
    /// Collector: how often the interface went away.
    case interfaceDowns
    /// Collector: gaps in the capture (the process was killed, the interface was away), and how long in all.
    case gaps
    case gapTicks
    /// Tracker: sessions in the table, and those that were forgotten early for want of room.
    case sessions
    case sessionsExportedEarly
    /// Merger: commits, when the last was (nanoseconds since 1970), links of the open periods, and whether the
    /// store takes nothing (1 full, 2 another reason).
    case commits
    case commitNs
    case links
    case storeProblem
    /// Ticks since 1970 of the newest packet that it has handled; for the lag.
    case newestTick
    /// Merger: 1 where it began a new store because the file was damaged.
    case setAside
    /// Merger: packets of the run that are in the store.
    case committedPackets
    /// Merger: packets that were acknowledged and lost, because the store was full when it was killed.
    case lostPackets
    /// Publisher to a cluster: messages and bytes that went out or to the spool, and records that the spool took.
    case batches
    case batchBytes
    case spooledRecords
    /// Publisher: bytes that wait in the spool, and entries of it that could not be read.
    case spoolBytes
    case spoolDamaged
    /// Publisher: 1 while the cluster takes what it is given, 2 while it does not; and how often it stopped.
    case clusterState
    case disconnects
  }

  /// - Parameter processes: how many lines there are.
  public init(processes: Int) throws(SharedMemoryError) {
    memory = try SharedMemory(
      name: "renkei-status", byteCount: max(4096, processes * StatusBoard.lineBytes))
  }

  public init(inherited descriptor: Int32) throws(SharedMemoryError) {
    memory = try SharedMemory(inherited: descriptor)
  }

  public var descriptor: Int32 { memory.descriptor }

  private func word(_ process: Int, _ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    let offset = process * StatusBoard.lineBytes + index * 8
    precondition(
      index * 8 < StatusBoard.lineBytes && offset >= 0 && offset + 8 <= memory.bytes.count,
      "no such line on the board")
    // SAFETY: a mapping is never empty, and the word lies in it: checked just above.
    return (memory.bytes.baseAddress! + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// Only the process whose line it is may set it.
  public func set(_ field: Field, of process: Int, to value: UInt64) {
    word(process, field.rawValue).pointee.store(value, ordering: .relaxed)
  }

  public func get(_ field: Field, of process: Int) -> UInt64 {
    word(process, field.rawValue).pointee.load(ordering: .relaxed)
  }

  /// What became of the packets, by the line of a collector.
  ///
  /// The counters are set one by one: read while the collector runs they may be of two moments.
  public func accounting(of process: Int) -> Accounting {
    var accounting = Accounting()
    for outcome in PacketOutcome.allCases {
      accounting[outcome] = word(process, Field.outcomes.rawValue + outcome.rawValue).pointee
        .load(ordering: .acquiring)
    }
    return accounting
  }

  public func set(_ accounting: Accounting, of process: Int) {
    for outcome in PacketOutcome.allCases {
      word(process, Field.outcomes.rawValue + outcome.rawValue).pointee
        .store(accounting[outcome], ordering: .releasing)
    }
  }
}
