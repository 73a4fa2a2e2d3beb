internal import Wire

/// How often addresses failed to identify themselves within a minute.
///
/// Pure: the clock is the caller's. IPv6 counts by /64, since a host has as many addresses in one as it likes.
struct FailureTable {
  /// So many let an address wait for the rest of the minute.
  static let failuresMax = 10
  static let windowSeconds = 60.0
  /// Addresses that are remembered; past it the quarter whose minute began first is forgotten.
  static let addressesMax = 4096

  private var windows: [IPAddress: (begin: Double, failures: Int)] = [:]

  var count: Int { windows.count }

  /// For how many seconds the address must wait; nil where it needn't.
  func wait(_ address: IPAddress, now: Double) -> Int? {
    guard let window = windows[key(address)], window.failures >= FailureTable.failuresMax else {
      return nil
    }
    let rest = window.begin + FailureTable.windowSeconds - now
    return rest > 0 ? max(1, Int(rest.rounded(.up))) : nil
  }

  /// - Complexity: O(1), amortised; O(log `addressesMax`) where the table is full.
  mutating func fail(_ address: IPAddress, now: Double) {
    let key = key(address)
    if let window = windows[key], now - window.begin < FailureTable.windowSeconds {
      windows[key] = (window.begin, window.failures + 1)
      return
    }
    windows[key] = nil
    if windows.count >= FailureTable.addressesMax {
      windows = windows.filter { now - $0.value.begin < FailureTable.windowSeconds }
      if windows.count >= FailureTable.addressesMax {
        // A quarter at a time, so that a crowd of strangers does not cost a search each.
        let begins = windows.values.map(\.begin).sorted()
        let last = begins[begins.count / 4]
        windows = windows.filter { $0.value.begin > last }
      }
    }
    windows[key] = (now, 1)
  }

  private func key(_ address: IPAddress) -> IPAddress { address.masked(v4Bits: 32, v6Bits: 64) }
}
