internal import Foundation
internal import Glibc
internal import ServiceMap
internal import Synchronization
internal import Wire

/// Names from the DNS, only where the user said `--resolve`.
enum ReverseLookup {
  /// How long all lookups together may take; what is not answered by then stays an address.
  static let timeLimitSeconds = 20.0
  /// Lookups at the same time: a resolver's courtesy, not a storm.
  static let parallel = 16

  /// Asks for the names of the active hosts that have none.
  static func names(of map: ServiceMap) -> [IPAddress: String] {
    let open = map.hosts.filter { $0.isActive && $0.name == nil }.map(\.address)
    let end = Clock.seconds() + timeLimitSeconds
    let found = Mutex<[IPAddress: String]>([:])
    let next = Atomic<Int>(0)
    let group = DispatchGroup()
    for _ in 0..<min(parallel, open.count) {
      Thread.detachNewThread(in: group) {
        while Clock.seconds() < end {
          let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard index < open.count else { return }
          if let name = lookUp(open[index]) { found.withLock { $0[open[index]] = name } }
        }
      }
    }
    _ = group.wait(timeout: .now() + timeLimitSeconds)
    return found.withLock { $0 }
  }

  /// getnameinfo(3) with NI_NAMEREQD: a name or nothing.
  private static func lookUp(_ address: IPAddress) -> String? {
    var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    let status: Int32
    if address.isIPv4 {
      var socket = sockaddr_in()
      socket.sin_family = sa_family_t(AF_INET)
      socket.sin_addr.s_addr = address.v4.bigEndian
      status = withUnsafePointer(to: &socket) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          getnameinfo(
            $0, socklen_t(MemoryLayout<sockaddr_in>.size), &host, socklen_t(host.count), nil, 0,
            NI_NAMEREQD)
        }
      }
    } else {
      var socket = sockaddr_in6()
      socket.sin6_family = sa_family_t(AF_INET6)
      withUnsafeMutableBytes(of: &socket.sin6_addr) {
        $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
        $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      status = withUnsafePointer(to: &socket) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          getnameinfo(
            $0, socklen_t(MemoryLayout<sockaddr_in6>.size), &host, socklen_t(host.count), nil, 0,
            NI_NAMEREQD)
        }
      }
    }
    guard status == 0 else { return nil }
    return String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

extension Thread {
  /// Runs `body` on a thread of its own that `group` counts.
  fileprivate static func detachNewThread(
    in group: DispatchGroup, _ body: @escaping @Sendable () -> Void
  ) {
    group.enter()
    detachNewThread {
      body()
      group.leave()
    }
  }
}
