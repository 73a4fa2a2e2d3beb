internal import Wire

/// Recognises packets that were captured before, as on a mirror port that copies what enters and
/// what leaves a switch, on the `any` device of a router, or inside and outside of a tunnel.
///
/// A copy has the fingerprint of a packet seen at most `windowNs` before. Copies come within
/// microseconds on a switch, and within some milliseconds through a router or firewall and where
/// several captures were merged; a retransmission takes 200 ms as a rule, and has another
/// identification. The time counts from the packet that was kept, so that a stream of equal packets
/// is never suppressed for longer.
///
/// A fixed table of 8,192 packets (128 KiB, a second-level cache) in sets of four, which is a cache
/// line: a new packet pushes the oldest of its set out. Of copies that come 500 packets later 0.01 %
/// are missed, 1,000 packets later 0.2 %.
struct CopyTable: ~Copyable {
  /// Capture time within which an equal packet may be a copy.
  static let windowNs: UInt64 = 20_000_000

  /// Packets that are looked up together: enough that loops pay off, and few enough to stay with their frames
  /// in the first-level cache.
  static let stretchMax = 64

  private static let setCount = 2048
  private static let ways = 4

  private let sightings: UnsafeMutablePointer<Sighting>
  private var evidence = CopyEvidence()
  /// Packets that are looked up together, by whoever has them; and what they are in the table.
  let plain = UnsafeMutablePointer<PlainPacket>.allocate(capacity: CopyTable.stretchMax)
  private let seen = UnsafeMutablePointer<Sighting>.allocate(capacity: CopyTable.stretchMax)

  init() {
    let count = CopyTable.setCount * CopyTable.ways
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Sighting>.stride, alignment: 64)
    sightings = memory.bindMemory(to: Sighting.self, capacity: count)
    sightings.initialize(repeating: Sighting(), count: count)
  }

  deinit {
    UnsafeMutableRawPointer(sightings).deallocate()
    plain.deallocate()
    seen.deallocate()
  }

  /// Whether the packet is a copy of one that was seen before; remembers it where it is not.
  ///
  /// - Parameters:
  ///   - packet: as for `PacketFingerprint`.
  ///   - link: of the link layer in front of it, what stays the same between two packets that were sent
  ///     alike; 0 where there is no telling.
  /// - Complexity: O(1), four comparisons; allocates nothing.
  @inline(__always)
  mutating func isCopy(
    _ packet: PacketBytes, isIPv6: Bool, link: UInt64, at timestampNs: UInt64
  ) -> Bool {
    let fingerprint =
      isIPv6
      ? PacketFingerprint(ipv6: packet)
      : PacketFingerprint(ipv4: packet, headerBytes: Int(packet.byte(0) & 15) &* 4)
    evidence.count(isWeak: fingerprint.identification == 0)
    let sighting = Sighting(fingerprint, link: link, tick: Tick.of(nanoseconds: timestampNs))
    let set = set(of: sighting)
    if CopyTable.knows(sighting, in: set) {
      return judge(packet.base, fingerprint.identification, sighting, in: set)
    }
    CopyTable.remember(sighting, in: set)
    return false
  }

  @inline(__always)
  private func set(of sighting: Sighting) -> UnsafeMutablePointer<Sighting> {
    // SAFETY: the table has that many sets.
    sightings + (Int(truncatingIfNeeded: sighting.hash) & (CopyTable.setCount - 1))
      &* CopyTable.ways
  }

  @inline(__always)
  private static func knows(
    _ sighting: Sighting, in set: UnsafeMutablePointer<Sighting>
  ) -> Bool {
    let hash = sighting.hash
    return set[0].hash == hash || set[1].hash == hash || set[2].hash == hash
      || set[3].hash == hash
  }

  /// The newest one comes first; the oldest one gives way.
  @inline(__always)
  private static func remember(_ sighting: Sighting, in set: UnsafeMutablePointer<Sighting>) {
    set[3] = set[2]
    set[2] = set[1]
    set[1] = set[0]
    set[0] = sighting
  }

  // MARK: - Stretches of packets

  /// How many packets the next stretch may have; 0: the next packet must come alone.
  var stretchCountMax: Int { min(evidence.countMax, CopyTable.stretchMax) }

  /// As `isCopy`, for the first `count` of `plain`, whose records are written one behind the other.
  ///
  /// In loops of their own: each needs few enough registers to do without the stack, and nothing in it waits
  /// for the packet before.
  ///
  /// - Parameter records: those of copies are taken out, and those behind them moved up.
  /// - Returns: how many records are left.
  /// - Complexity: O(count); 8 ns and 115 instructions a packet. A copy costs another 15 ns.
  mutating func removeCopies(_ count: Int, records: UnsafeMutableRawPointer) -> Int {
    let weak = see(count)
    var counted = (packets: 0, weak: 0)
    // Records in front of `kept` are in place; those from `begin` on are to be moved there.
    var kept = 0
    var begin = 0
    var index = 0
    let seen = seen
    while index < count {
      let sighting = seen[index]
      let set = set(of: sighting)
      if !CopyTable.knows(sighting, in: set) {
        CopyTable.remember(sighting, in: set)
        index &+= 1
        continue
      }
      // The evidence must stand as it did when this packet came.
      var weakUpToHere = 0
      for index in counted.packets...index where seen[index].isWeak { weakUpToHere += 1 }
      evidence.count(index + 1 - counted.packets, weak: weakUpToHere)
      counted = (index + 1, counted.weak + weakUpToHere)
      // SAFETY: `plain` has the packet's header.
      let packet = plain[index].header
      let identification = packet.loadUnaligned(fromByteOffset: 4, as: UInt16.self)
      if judge(packet, identification, sighting, in: set) {
        CopyTable.move(records, from: begin, to: kept, count: index - begin)
        kept += index - begin
        begin = index + 1
      }
      index += 1
    }
    evidence.count(count - counted.packets, weak: weak - counted.weak)
    CopyTable.move(records, from: begin, to: kept, count: count - begin)
    return kept + count - begin
  }

  /// Fills in the first `count` of `seen` from those of `plain`; answers how many have no identification.
  private func see(_ count: Int) -> Int {
    var weak = 0
    for index in 0..<count {
      let one = plain[index]
      let packet = PacketBytes(
        one.header, captured: one.capturedBytes, original: one.capturedBytes)
      let fingerprint = PacketFingerprint(plain: packet)
      // SAFETY: there are 14 bytes of Ethernet in front of the header.
      let link = (one.header - 8).loadUnaligned(as: UInt64.self)
      (seen + index).initialize(to: Sighting(fingerprint, link: link, tick: one.tick))
      weak &-= Int(truncatingIfNeeded: fingerprint.weakMask)
    }
    return weak
  }

  private static func move(
    _ records: UnsafeMutableRawPointer, from begin: Int, to kept: Int, count: Int
  ) {
    if begin == kept { return }
    // SAFETY: records are only moved up, within those of the stretch.
    (records + kept * PacketRecord.bytes).copyMemory(
      from: records + begin * PacketRecord.bytes, byteCount: count * PacketRecord.bytes)
  }

  // MARK: - One packet

  /// What to make of a packet whose fingerprint was seen before.
  @inline(never)
  private mutating func judge(
    _ packet: UnsafeRawPointer, _ identification: UInt16, _ sighting: Sighting,
    in set: UnsafeMutablePointer<Sighting>
  ) -> Bool {
    var way = 0
    while way < CopyTable.ways - 1 && set[way].hash != sighting.hash { way += 1 }
    let before = set[way]
    guard sighting.isWithinWindow(of: before) else {
      set[way] = sighting
      set[way].isRecurring = true
      return false
    }
    set[way].isMatched = true
    return evidence.isCopy(
      // SAFETY: not IPv6 where there is an identification, and IPv4's header is whole.
      source: identification == 0
        ? 0 : packet.loadUnaligned(fromByteOffset: 12, as: UInt32.self).byteSwapped,
      identification: identification,
      pathsDiffer: sighting.path != before.path,
      isFirstMatch: !before.isMatched && !before.isRecurring)
  }
}

/// A packet in the table.
struct Sighting {
  /// Of its fingerprint; 0 in an entry never used, which a packet has with a probability of 2⁻⁶⁴.
  private(set) var hash: UInt64 = 0
  /// 40 bits of ticks, which wrap after 52 days; 16 of the path; 8 of flags.
  private var rest: UInt64 = 0

  init() {}

  @inline(__always)
  init(_ fingerprint: PacketFingerprint, link: UInt64, tick: UInt64) {
    hash = fingerprint.hash
    let path = (link &* 0x9E37_79B9_7F4A_7C15) >> 48 ^ UInt64(fingerprint.hopLimit)
    rest = tick << 24 | path << 8 | fingerprint.weakMask & 4
  }

  /// The packet has no identification.
  var isWeak: Bool { rest & 4 != 0 }

  /// Hop limit and link layer: where they differ, so does this, with a probability of 1 − 2⁻¹⁶.
  var path: UInt16 { UInt16(truncatingIfNeeded: rest >> 8) }

  /// An equal packet came within the window.
  var isMatched: Bool {
    get { rest & 1 != 0 }
    set { rest = rest & ~1 | (newValue ? 1 : 0) }
  }

  /// An equal packet came before it, too long ago for a copy: the sender repeats itself.
  var isRecurring: Bool {
    get { rest & 2 != 0 }
    set { rest = rest & ~2 | (newValue ? 2 : 0) }
  }

  /// In either direction: files that were merged step back in time.
  func isWithinWindow(of other: Sighting) -> Bool {
    let ticks = Int64(bitPattern: (rest & ~0xFF_FFFF) &- (other.rest & ~0xFF_FFFF)) >> 24
    return ticks.magnitude <= Tick.of(nanoseconds: CopyTable.windowNs)
  }
}

/// A packet that is to be looked up: IPv4 with a header of 20 bytes behind Ethernet, and with at least 28 bytes
/// captured.
struct PlainPacket {
  /// Where the IP header begins.
  var header: UnsafeRawPointer
  /// From there to the end of the packet, or of what was captured of it.
  var capturedBytes: Int
  var tick: UInt64
}
