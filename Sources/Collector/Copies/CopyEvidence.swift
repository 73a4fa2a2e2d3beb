/// Decides whether a packet that equals a recent one is its copy, or was sent twice.
///
/// Senders count the identification of IPv4 up, or draw it: equal packets with one are copies. Two
/// kinds of packets carry none. IPv6 has no such field, and many senders leave it 0 in packets that
/// must not be fragmented; among those there are equal packets that were really sent twice:
/// acknowledgements of TCP that ask for the same segment, polls, announcements. And some devices and
/// generators put the same number into every packet, which shows when two matches of one source in a
/// row have the same identification. Those weak matches are copies
///
/// - where the hop limit, the VLAN or the sender's link address differs, because a router or bridge
///   was between the two; and else
/// - while the capture is shown to hold copies: by packets with an identification, of which at least
///   1 in 16 lately came twice; or, where fewer than 1 in 16 packets have one, by more than a quarter
///   of the others lately being the first to repeat another.
///
/// A packet that keeps coming back is no evidence, and a long run of equal ones counts once: neither
/// a poll nor a flood makes a capture one with copies. Where it is one, true repetitions within the
/// window are lost with the copies; where it is not, up to 16 packets of a source with a constant
/// identification may be, before that shows. Without identifications and on one path, the first 15
/// copies are kept, and all of them where no more than every third packet comes twice.
struct CopyEvidence {
  /// Counts are halved each so many packets, so that they speak of the last few thousand.
  private static let period: UInt32 = 8192
  private static let weakMatchesMin: UInt32 = 16

  /// All packets, and those without an identification.
  private var packets: UInt32 = 0
  private var weakPackets: UInt32 = 0
  /// First repetitions of packets with an identification, and of those without.
  private var strongMatches: UInt32 = 0
  private var weakMatches: UInt32 = 0
  /// The identification of the last match of a source, by its address; touched at matches only.
  private var lastMatches = [LastMatch](repeating: LastMatch(), count: 1024)

  private struct LastMatch {
    var source: UInt32 = 0
    var identification: UInt16 = 0
  }

  /// Counts a packet, copy or not.
  @inline(__always)
  mutating func count(isWeak: Bool) {
    packets &+= 1
    weakPackets &+= isWeak ? 1 : 0
    if packets == CopyEvidence.period { fade() }
  }

  /// How many packets may be counted together until the next one makes the counts fade.
  var countMax: Int { Int(CopyEvidence.period &- 1 &- packets) }

  mutating func count(_ count: Int, weak: Int) {
    packets &+= UInt32(truncatingIfNeeded: count)
    weakPackets &+= UInt32(truncatingIfNeeded: weak)
  }

  /// Whether a packet that equals one within the window is its copy.
  ///
  /// - Parameters:
  ///   - source: the address; counts only where there is an identification.
  ///   - identification: 0 where there is none.
  ///   - pathsDiffer: the two have different hop limits or link layers.
  ///   - isFirstMatch: the packet is the first one to equal the other, which does not keep coming back.
  mutating func isCopy(
    source: UInt32, identification: UInt16, pathsDiffer: Bool, isFirstMatch: Bool
  ) -> Bool {
    if identification == 0 {
      if isFirstMatch { weakMatches += 1 }
      return pathsDiffer || isMirror
    }
    let isStrong = pathsDiffer || isNew(identification, of: source)
    if isStrong && isFirstMatch { strongMatches += 1 }
    return isStrong || isMirror
  }

  private var isMirror: Bool {
    let strongPackets = packets - weakPackets
    if strongMatches > 0 && strongMatches * 16 >= strongPackets { return true }
    return strongPackets * 16 < weakPackets
      && weakMatches >= CopyEvidence.weakMatchesMin && weakMatches * 4 > weakPackets
  }

  /// Whether the last match of `source` had another identification, or none is known.
  private mutating func isNew(_ identification: UInt16, of source: UInt32) -> Bool {
    let index = Int(truncatingIfNeeded: (source &* 0x9E37_79B1) >> 22)
    let last = lastMatches[index]
    lastMatches[index] = LastMatch(source: source, identification: identification)
    return last.source != source || last.identification != identification
  }

  @inline(never)
  private mutating func fade() {
    packets /= 2
    weakPackets /= 2
    strongMatches /= 2
    weakMatches /= 2
  }
}
