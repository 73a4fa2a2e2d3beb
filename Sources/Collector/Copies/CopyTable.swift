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

  private static let setCount = 2048
  private static let ways = 4

  private let sightings: UnsafeMutablePointer<Sighting>
  private var evidence = CopyEvidence()

  init() {
    let count = CopyTable.setCount * CopyTable.ways
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Sighting>.stride, alignment: 64)
    sightings = memory.bindMemory(to: Sighting.self, capacity: count)
    sightings.initialize(repeating: Sighting(), count: count)
  }

  deinit { UnsafeMutableRawPointer(sightings).deallocate() }

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
      isIPv6 ? PacketFingerprint(ipv6: packet) : PacketFingerprint(ipv4: packet)
    evidence.count(isWeak: fingerprint.identification == 0)
    let set =
      sightings + (Int(truncatingIfNeeded: fingerprint.hash) & (CopyTable.setCount - 1))
      * CopyTable.ways
    let hash = fingerprint.hash
    let isKnown =
      set[0].hash == hash || set[1].hash == hash || set[2].hash == hash || set[3].hash == hash
    let sighting = Sighting(fingerprint, link: link, at: timestampNs)
    if isKnown { return judge(packet, fingerprint.identification, sighting, in: set) }
    set[3] = set[2]
    set[2] = set[1]
    set[1] = set[0]
    set[0] = sighting
    return false
  }

  /// What to make of a packet whose fingerprint was seen before.
  @inline(never)
  private mutating func judge(
    _ packet: PacketBytes, _ identification: UInt16, _ sighting: Sighting,
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
      source: identification == 0 ? 0 : packet.word(12), identification: identification,
      pathsDiffer: sighting.path != before.path,
      isFirstMatch: !before.isMatched && !before.isRecurring)
  }
}

/// A packet in the table.
private struct Sighting {
  /// Of its fingerprint; 0 in an entry never used, which a packet has with a probability of 2⁻⁶⁴.
  private(set) var hash: UInt64 = 0
  /// 40 bits of ticks, which wrap after 52 days; 16 of the path; 8 of flags.
  private var rest: UInt64 = 0

  init() {}

  @inline(__always)
  init(_ fingerprint: PacketFingerprint, link: UInt64, at timestampNs: UInt64) {
    hash = fingerprint.hash
    let path = (link &* 0x9E37_79B9_7F4A_7C15) >> 48 ^ UInt64(fingerprint.hopLimit)
    rest = Tick.of(nanoseconds: timestampNs) << 24 | path << 8
  }

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
