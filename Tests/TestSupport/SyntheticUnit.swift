public import ServiceMap
internal import Wire

/// A running unit's merger as its store sees it: every ten seconds one commit, whose content follows
/// from the number of the epoch alone, so that what a store holds can be told from how far it is.
public struct SyntheticUnit: Sendable {
  public static let begin: UInt64 = 1_795_000_020  // a whole minute
  public static let epochSeconds = 10
  public static let run: UInt64 = 0xFEDC_BA98_7654_3210

  /// The next epoch.
  public private(set) var epoch = 0
  private let linksPerMinute: Int
  private let changesPerEpoch: Int
  private var minute: UInt64 = 0
  private var links: [Link] = []
  private var accounting = Accounting()
  private var capture = CaptureReport(files: [.init(name: "veth0")])

  public init(linksPerMinute: Int = 60, changesPerEpoch: Int = 40) {
    self.linksPerMinute = linksPerMinute
    self.changesPerEpoch = changesPerEpoch
  }

  /// Goes on where the store is.
  public mutating func resume(from store: UnitStore) throws {
    guard let progress = try store.progress(ofRun: SyntheticUnit.run) else { return }
    epoch = Int(progress.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    for done in 0..<epoch { count(done) }
    minute = SyntheticUnit.minute(of: epoch)
    (accounting, links) = try store.segment(beginSeconds: minute) ?? (Accounting(), [])
  }

  public static func seconds(of epoch: Int) -> UInt64 { begin + UInt64(epoch * epochSeconds) }
  public static func minute(of epoch: Int) -> UInt64 { seconds(of: epoch) / 60 * 60 }

  /// Packets of a change, and of an epoch that were filtered.
  private static func packets(_ epoch: Int, _ change: Int) -> UInt64 {
    1 + UInt64((epoch * 31 + change * 7) % 5)
  }
  private static func filtered(_ epoch: Int) -> UInt64 { UInt64(epoch % 3) }

  /// What the store must hold of the epochs in `range`.
  public func expected(_ range: Range<Int>) -> (mapped: UInt64, filtered: UInt64) {
    var (mapped, filtered): (UInt64, UInt64) = (0, 0)
    for epoch in range {
      filtered += SyntheticUnit.filtered(epoch)
      for change in 0..<changesPerEpoch { mapped += SyntheticUnit.packets(epoch, change) }
    }
    return (mapped, filtered)
  }

  private mutating func count(_ epoch: Int) {
    for change in 0..<changesPerEpoch {
      capture.frameBytes += 114 * SyntheticUnit.packets(epoch, change)
    }
    capture.accounting = [:]
    capture.startNs = SyntheticUnit.begin * 1_000_000_000
    capture.endNs = (SyntheticUnit.seconds(of: epoch) + 9) * 1_000_000_000
  }

  /// The next epoch's commit.
  public mutating func commit(to store: UnitStore) throws {
    let commit = next(for: store)
    try store.commit(commit)
  }

  /// The same, to be committed by the caller.
  public mutating func next(for store: UnitStore) -> UnitCommit {
    let begin = SyntheticUnit.minute(of: epoch)
    if begin != minute {
      minute = begin
      links = []
      accounting = Accounting()
    }
    var changed: Set<Int> = []
    for change in 0..<changesPerEpoch {
      let packets = SyntheticUnit.packets(epoch, change)
      let number = (epoch * 13 + change) % linksPerMinute
      while links.count <= number { links.append(link(links.count, store)) }
      // Links that were only made on the way count too: they are in the table with nothing in them.
      changed.formUnion(links.count - 1 == number ? Array(0...number) : [number])
      links[number].sessions += 1
      links[number].firstFromB += 1
      links[number].twoWay += 1
      links[number].packetsAB += packets
      links[number].bytesAB += 100 * packets
      let tick = Tick.of(nanoseconds: SyntheticUnit.seconds(of: epoch) * 1_000_000_000)
      links[number].firstTick = min(links[number].firstTick, tick)
      links[number].lastTick = max(links[number].lastTick, tick)
      accounting[.mapped] += packets
    }
    accounting[.filtered] += SyntheticUnit.filtered(epoch)
    count(epoch)
    epoch += 1
    let progress = (0..<8).map { UInt8(truncatingIfNeeded: epoch >> ($0 * 8)) }
    return UnitCommit(
      run: SyntheticUnit.run, progress: progress, capture: capture,
      segments: [
        SegmentChange(
          beginSeconds: begin, accounting: accounting,
          links: changed.sorted().map { ($0, links[$0]) })
      ])
  }

  /// Servers with handshakes, a DNS client's many ports, and some IPv6.
  private func link(_ number: Int, _ store: UnitStore) -> Link {
    let hour = UInt32(truncatingIfNeeded: minute / 3600 % 1000)
    let client =
      number % 5 == 0
      ? IPAddress(high: 0x2001_0DB8 << 32, low: UInt64(number))
      : IPAddress(v4: 0x0A01_0000 + UInt32(number % 11) + hour * 256)
    let server = IPAddress(v4: 0x0A00_0001 + UInt32(number % 3))
    let isShaken = number % 2 == 0
    var link = Link(
      a: store.id(of: server), b: store.id(of: client), protocolNumber: isShaken ? 6 : 17,
      aPort: isShaken ? 443 : 53, bPort: UInt16(20_000 + number),
      hasHandshake: isShaken, events: [.progressFromA, .progressFromB, .firstFromB])
    if isShaken { link.events.formUnion([.synFromB, .synAckFromA]) }
    return link
  }
}
