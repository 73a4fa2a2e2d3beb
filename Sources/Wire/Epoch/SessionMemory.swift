internal import Glibc
internal import Synchronization

/// A tracker's sessions in shared memory, and the epochs in which it reports them to the merger: what makes a
/// unit count each packet exactly once, whichever of its processes is killed.
///
/// The tracker changes its table in place. Before it changes a row for the first time in an epoch it writes the
/// row as it was into the epoch's **log**. The log is both the way back and the report: a tracker that takes the
/// place of a dead one puts the rows back and reads its input once more from where the epoch began; and when
/// the epoch is **sealed**, each entry is completed by the row as it is now, and the merger books the
/// difference. There are two logs, so that the next epoch goes on while the merger commits the last one; it is
/// sealed only when that one is **acknowledged**, and only then the input is released.
///
/// | offset | bytes | field | written by |
/// |---|---|---|---|
/// | 0 | 8 | magic | creator |
/// | 8 | 8 | rows a table | creator |
/// | 64 | 8 | number of the last sealed epoch | tracker |
/// | 128 | 8 | number of the last acknowledged epoch | merger |
/// | 192, 200 | 8 | entries in the logs of even and odd epochs | tracker |
/// | 256, 384 | 128 | `Seal` of even and odd epochs | tracker |
/// | 4096 | … | two tables, two logs | tracker |
///
/// One store seals an epoch and one changes the table, so that there is no moment between two states.
/// Only what is used takes memory.
public final class SessionMemory: Sendable {
  private let memory: SharedMemory
  public let rowsMax: Int

  private static let magic: UInt64 = 0x0001_4E53_5345_4B52
  private static let tablesOffset = 4096

  /// What holds at the end of an epoch.
  public struct Seal: BitwiseCopyable, Sendable {
    public var epoch: UInt64 = 0
    /// Slots of the input that are in this epoch and those before it.
    public var inputPosition: UInt64 = 0
    /// Which table the rows are in, above how many there are (`table`, `rowCount`): one word, because
    /// compaction changes both at once.
    fileprivate var tableAndCount: UInt64 = 0
    public var entryCount: UInt64 = 0
    /// Packets since the start of the unit, in this epoch and those before it.
    public var packets: UInt64 = 0
    public var exportedEarly: UInt64 = 0
    /// Minutes since 1970 to which the epoch's packets belong.
    public var period: UInt64 = 0
    /// Ticks since 1970 of the newest packet.
    public var newestTick: UInt64 = 0
    /// 1: the input has ended, and this is all.
    public var isLast: UInt64 = 0

    public init() {}
  }

  /// A row that was changed in an epoch. 136 bytes.
  public struct Entry: BitwiseCopyable, Sendable {
    /// The row's number, from 1.
    public var number: UInt64
    /// As it was before; free where the session began in this epoch.
    public var before: SessionRow
    /// As it was when the epoch was sealed.
    public var after: SessionRow

    public init(number: UInt64, before: SessionRow, after: SessionRow) {
      self.number = number
      self.before = before
      self.after = after
    }
  }

  /// - Parameter rowsMax: sessions that a table holds.
  public init(name: String, rowsMax: Int) throws(SharedMemoryError) {
    precondition(rowsMax > 0 && rowsMax < RowIndex.countMax, "rows of a table")
    memory = try SharedMemory(name: name, byteCount: SessionMemory.byteCount(rowsMax))
    memory.bytes.storeBytes(of: SessionMemory.magic, as: UInt64.self)
    memory.bytes.storeBytes(of: UInt64(rowsMax), toByteOffset: 8, as: UInt64.self)
    self.rowsMax = rowsMax
  }

  /// - Throws: `RingError.otherLayout` where it is none of this version; `SharedMemoryError`.
  public init(inherited descriptor: Int32) throws {
    let memory = try SharedMemory(inherited: descriptor)
    guard memory.bytes.count > SessionMemory.tablesOffset,
      memory.bytes.load(as: UInt64.self) == SessionMemory.magic
    else { throw RingError.otherLayout }
    let rowsMax = Int(clamping: memory.bytes.load(fromByteOffset: 8, as: UInt64.self))
    guard rowsMax > 0, rowsMax < RowIndex.countMax,
      memory.bytes.count == SessionMemory.byteCount(rowsMax)
    else { throw RingError.otherLayout }
    self.memory = memory
    self.rowsMax = rowsMax
  }

  private static func byteCount(_ rowsMax: Int) -> Int {
    tablesOffset + 2 * tableBytes(rowsMax) + 2 * rowsMax * MemoryLayout<Entry>.stride
  }

  /// Whole pages, so that a table can be given back.
  private static func tableBytes(_ rowsMax: Int) -> Int {
    (rowsMax * SessionRow.bytes + 4095) & ~4095
  }

  /// The memory file, for handing to a child.
  public var descriptor: Int32 { memory.descriptor }

  // SAFETY for all below: the offsets are those of the table above, which both initialisers have checked
  // against the size of the mapping, which is never empty.

  private var base: UnsafeMutableRawPointer { memory.bytes.baseAddress! }

  private func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private func sealMemory(_ epoch: UInt64) -> UnsafeMutablePointer<Seal> {
    (base + (epoch & 1 == 0 ? 256 : 384)).assumingMemoryBound(to: Seal.self)
  }

  private func entryCount(_ epoch: UInt64) -> UnsafeMutablePointer<Atomic<UInt64>> {
    word(epoch & 1 == 0 ? 192 : 200)
  }

  private func entries(_ epoch: UInt64) -> UnsafeMutablePointer<Entry> {
    let logs = SessionMemory.tablesOffset + 2 * SessionMemory.tableBytes(rowsMax)
    let offset = epoch & 1 == 0 ? logs : logs + rowsMax * MemoryLayout<Entry>.stride
    return (base + offset).assumingMemoryBound(to: Entry.self)
  }

  private func table(_ number: UInt64) -> UnsafeMutablePointer<SessionRow> {
    (base + SessionMemory.tablesOffset + Int(number) * SessionMemory.tableBytes(rowsMax))
      .assumingMemoryBound(to: SessionRow.self)
  }

  /// The last sealed epoch; 0 before the first.
  public var sealed: UInt64 { word(64).pointee.load(ordering: .sequentiallyConsistent) }
  /// The last epoch that the merger has committed.
  public var acknowledged: UInt64 { word(128).pointee.load(ordering: .sequentiallyConsistent) }

  /// What held at the end of `epoch`: the last sealed one, or the one before it.
  public func seal(of epoch: UInt64) -> Seal {
    epoch == 0 ? Seal() : sealMemory(epoch).pointee
  }

  // MARK: - The merger's side

  /// What was changed in `epoch`, which is sealed and not acknowledged.
  public func entries(of epoch: UInt64) -> UnsafeBufferPointer<Entry> {
    let count = min(Int(clamping: seal(of: epoch).entryCount), rowsMax)
    return UnsafeBufferPointer(start: entries(epoch), count: count)
  }

  public func acknowledge(_ epoch: UInt64) {
    word(128).pointee.store(epoch, ordering: .sequentiallyConsistent)
  }

  // MARK: - The tracker's side

  /// The table's rows and how many of them there were at the last seal. Rows that were changed since are put
  /// back first: for a tracker that takes the place of one that died, or begins.
  ///
  /// - Complexity: O(rows changed in the epoch).
  public func recover() -> (rows: UnsafeMutablePointer<SessionRow>, count: Int) {
    let epoch = sealed
    let (rows, count) = current(epoch)
    let running = epoch + 1
    let changed = Int(clamping: entryCount(running).pointee.load(ordering: .acquiring))
    for place in 0..<min(changed, rowsMax) {
      let entry = entries(running)[place]
      if entry.number <= UInt64(count) && entry.number > 0 {
        rows[Int(entry.number) - 1] = entry.before
      }
    }
    entryCount(running).pointee.store(0, ordering: .sequentiallyConsistent)
    return (rows, count)
  }

  private func current(
    _ epoch: UInt64
  ) -> (rows: UnsafeMutablePointer<SessionRow>, count: Int) {
    let word = seal(of: epoch).tableAndCount
    return (table(word >> 63), min(Int(word & ~(1 << 63)), rowsMax))
  }

  /// Rows that were changed in the running epoch.
  public var changed: Int {
    Int(clamping: entryCount(sealed + 1).pointee.load(ordering: .relaxed))
  }

  /// A log to write to: what `save` needs in each call of the packet path.
  public struct Log {
    fileprivate let entries: UnsafeMutablePointer<Entry>
    fileprivate let count: UnsafeMutablePointer<Atomic<UInt64>>
  }

  /// The running epoch's log.
  public var log: Log {
    let epoch = sealed + 1
    return Log(entries: entries(epoch), count: entryCount(epoch))
  }

  /// Puts the row on record as it is now, before it is changed for the first time in this epoch.
  ///
  /// - Complexity: O(1): two cache lines.
  @inline(__always)
  public static func save(_ row: SessionRow, number: Int, to log: borrowing Log) {
    let place = log.count.pointee.load(ordering: .relaxed)
    // SAFETY: each row is saved once an epoch, and there is an entry for each row.
    let entry = log.entries + Int(place)
    entry.pointee.number = UInt64(number)
    entry.pointee.before = row
    log.count.pointee.store(place + 1, ordering: .releasing)
  }

  /// Seals the running epoch: from now on it is the merger's, and what happens next is another one.
  ///
  /// The epoch before must have been acknowledged.
  ///
  /// - Parameters:
  ///   - seal: epoch, table and entries are filled in here.
  ///   - rowCount: rows of the table by now.
  /// - Complexity: O(rows changed).
  public func seal(_ seal: Seal, rowCount: Int) {
    let epoch = sealed + 1
    precondition(acknowledged == epoch - 1, "the epoch before is not acknowledged")
    let table = self.seal(of: epoch - 1).tableAndCount >> 63
    let rows = self.table(table)
    let count = entryCount(epoch).pointee.load(ordering: .relaxed)
    let entries = self.entries(epoch)
    for place in 0..<Int(count) {
      // SAFETY: the entries of this epoch, whose numbers are those of rows.
      let row = rows + Int(entries[place].number) - 1
      row.pointee.state &= ~SessionRow.changed
      entries[place].after = row.pointee
    }
    var seal = seal
    seal.epoch = epoch
    seal.tableAndCount = table << 63 | UInt64(rowCount)
    seal.entryCount = count
    sealMemory(epoch).pointee = seal
    entryCount(epoch + 1).pointee.store(0, ordering: .sequentiallyConsistent)
    word(64).pointee.store(epoch, ordering: .sequentiallyConsistent)
  }

  /// Copies the rows for which `isKept` says so to the other table, in their order, and goes on with that
  /// one. Only directly after a seal: nothing may have changed since.
  ///
  /// - Parameter exportedEarly: asked when all rows were: how many of them go before their time. Added to what
  ///   the last seal says, just before the other table is the one that counts: whoever goes on from there
  ///   knows of them.
  /// - Complexity: O(rows).
  public func compact(
    isKept: (SessionRow) -> Bool, exportedEarly: () -> UInt64 = { 0 }
  ) -> (rows: UnsafeMutablePointer<SessionRow>, count: Int) {
    let epoch = sealed
    precondition(changed == 0, "compaction within an epoch")
    let (rows, count) = current(epoch)
    let old = seal(of: epoch).tableAndCount >> 63
    let other = table(old ^ 1)
    var kept = 0
    for place in 0..<count where isKept(rows[place]) {
      other[kept] = rows[place]
      kept += 1
    }
    // SAFETY: the third word of the seal; see the fields.
    let offset = (epoch & 1 == 0 ? 256 : 384) + 16
    if epoch > 0 {
      sealMemory(epoch).pointee.exportedEarly += exportedEarly()
      word(offset).pointee.store((old ^ 1) << 63 | UInt64(kept), ordering: .sequentiallyConsistent)
    }
    madvise(rows, SessionMemory.tableBytes(rowsMax), MADV_REMOVE)
    return (other, kept)
  }
}
