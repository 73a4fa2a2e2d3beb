/// Remembers the ports of first fragments, because later fragments do not carry them.
///
/// A fixed table of 4,096 entries in sets of four: a new datagram replaces the oldest of its set.
/// Nothing is reassembled, and a fragment that comes before the first one stays without ports.
struct FragmentTable: ~Copyable {
  /// What names a datagram: addresses, protocol and identification. IPv4's fit exactly; IPv6's are
  /// folded, and two datagrams in flight share a key with a probability of about 2⁻⁶⁰.
  struct Key: Equatable {
    var first: UInt64
    var second: UInt64

    /// RFC 791 section 3.2: source, destination, protocol, identification.
    init(source: UInt32, destination: UInt32, protocolNumber: UInt8, identification: UInt16) {
      first = UInt64(source) << 32 | UInt64(destination)
      second = UInt64(protocolNumber) << 16 | UInt64(identification)
    }

    /// RFC 8200 section 4.5: source, destination, identification.
    ///
    /// - Parameter addresses: 32 readable bytes, source and destination.
    init(addresses: UnsafeRawPointer, identification: UInt32) {
      // SAFETY: the caller has checked the 40 bytes of the IPv6 header that these are part of.
      let a = addresses.loadUnaligned(as: UInt64.self)
      let b = addresses.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
      let c = addresses.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
      let d = addresses.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      first = (a ^ (b &* 0x9E37_79B9_7F4A_7C15)) &+ (c &* 0xD6E8_FEB8_6659_FD93)
      second = (d ^ (c &* 0x94D0_49BB_1331_11EB)) &+ UInt64(identification) << 32 &+ b
      // The top bit keeps IPv6 apart from IPv4.
      second |= 1 << 63
    }

    fileprivate var set: Int {
      let mixed = (first ^ second &* 0x9E37_79B9_7F4A_7C15) &* 0xBF58_476D_1CE4_E5B9
      return Int(truncatingIfNeeded: mixed >> 54) & (FragmentTable.setCount - 1)
    }
  }

  /// What a first fragment said.
  struct Ports: Equatable {
    var source: UInt16
    var destination: UInt16
    /// The transport protocol behind any IPv6 extension headers.
    var protocolNumber: UInt8
  }

  private struct Entry {
    var key = Key(source: 0, destination: 0, protocolNumber: 0, identification: 0)
    var timestampNs: UInt64 = 0
    var ports = Ports(source: 0, destination: 0, protocolNumber: 0)
    var isUsed = false
  }

  private static let setCount = 1024
  private static let ways = 4
  /// Receivers give up on a datagram after 15 to 60 s (RFC 1122 section 3.3.2, RFC 8200 section
  /// 4.5); an identification is not reused in 30 s except on the fastest links.
  private static let lifetimeNs: UInt64 = 30_000_000_000

  private let entries: UnsafeMutablePointer<Entry>

  init() {
    entries = .allocate(capacity: FragmentTable.setCount * FragmentTable.ways)
    entries.initialize(repeating: Entry(), count: FragmentTable.setCount * FragmentTable.ways)
  }

  deinit { entries.deallocate() }

  /// - Complexity: O(1), four comparisons.
  func ports(of key: Key, at timestampNs: UInt64) -> Ports? {
    let set = entries + key.set * FragmentTable.ways
    for way in 0..<FragmentTable.ways where set[way].isUsed && set[way].key == key {
      let then = set[way].timestampNs
      let age = timestampNs > then ? timestampNs - then : then - timestampNs
      return age <= FragmentTable.lifetimeNs ? set[way].ports : nil
    }
    return nil
  }

  /// - Complexity: O(1), four comparisons.
  mutating func remember(_ ports: Ports, of key: Key, at timestampNs: UInt64) {
    let set = entries + key.set * FragmentTable.ways
    var chosen = 0
    for way in 0..<FragmentTable.ways {
      if !set[way].isUsed || set[way].key == key {
        chosen = way
        break
      }
      if set[way].timestampNs < set[chosen].timestampNs { chosen = way }
    }
    set[chosen] = Entry(key: key, timestampNs: timestampNs, ports: ports, isUsed: true)
  }
}
