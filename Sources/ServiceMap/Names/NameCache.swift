internal import Foundation
internal import Glibc
internal import Synchronization
public import Wire

/// Names from the DNS, where the user asked for them: looked up beside, a few at a time, and kept for a while.
///
/// Answers stay in memory only, at most `capacity` of them; past it the oldest go. Used from any thread.
public final class NameCache: Sendable {
  /// How fast, and for how long.
  public struct Limits: Sendable {
    /// Lookups a second, so that a resolver is not stormed; nil: as fast as answers come.
    public var perSecond: Double? = 10
    public var parallel = 4
    /// How long a name stands, and how long that there is none.
    public var nameSeconds: Double = 86_400
    public var noNameSeconds: Double = 3600
    public var capacity = 100_000

    public init() {}
  }

  private struct Entry {
    var name: String?
    var endSeconds: Double
  }

  private struct State {
    var entries: [IPAddress: Entry] = [:]
    /// The addresses of `entries`, the oldest first from `oldest` on.
    var order: [IPAddress] = []
    var oldest = 0
    /// What is to be looked up, the next at the end.
    var queue: [IPAddress] = []
    /// Those of the queue, and those that are being looked up.
    var pending: Set<IPAddress> = []
    var workers = 0
    /// When the next lookup may begin.
    var nextSeconds = 0.0
    var isStopped = false
    var hasNews = false
    var toldSeconds = 0.0
    var onNews: (@Sendable () -> Void)?
  }

  /// While lookups go on, `onNews` is called no more often.
  private static let newsSeconds = 5.0

  private let limits: Limits
  private let now: @Sendable () -> Double
  private let resolve: @Sendable (IPAddress) -> String?
  private let state = Mutex(State())
  private let running = DispatchGroup()

  /// - Parameters:
  ///   - now: seconds of a clock that goes forward.
  ///   - resolve: asks for one name, and may take its time.
  public init(
    limits: Limits = Limits(), now: @escaping @Sendable () -> Double = { Clock.seconds() },
    resolve: @escaping @Sendable (IPAddress) -> String? = { NameCache.lookUp($0) }
  ) {
    self.limits = limits
    self.now = now
    self.resolve = resolve
  }

  /// Called on a thread of the cache when names have been found since the last call of `names`.
  public var onNews: (@Sendable () -> Void)? {
    get { state.withLock { $0.onNews } }
    set { state.withLock { $0.onNews = newValue } }
  }

  /// What is known now; the rest is asked for, and so is what is too old, which stands meanwhile.
  ///
  /// - Complexity: O(addresses); it never waits.
  public func names(for addresses: [IPAddress]) -> [IPAddress: String] {
    let now = now()
    let (found, new) = state.withLock { state in
      var found: [IPAddress: String] = [:]
      var wanted: [IPAddress] = []
      for address in addresses {
        let entry = state.entries[address]
        if let name = entry?.name { found[address] = name }
        if entry.map({ $0.endSeconds <= now }) ?? true { wanted.append(address) }
      }
      state.hasNews = false
      let room = limits.capacity - state.pending.count
      if !state.isStopped && room > 0 {
        // The first of them first, but after those that wait already.
        var new: [IPAddress] = []
        for address in wanted where new.count < room && !state.pending.contains(address) {
          state.pending.insert(address)
          new.append(address)
        }
        state.queue.insert(contentsOf: new.reversed(), at: 0)
      }
      let workers = min(limits.parallel, state.queue.count) - state.workers
      state.workers += max(0, workers)
      return (found, max(0, workers))
    }
    for _ in 0..<new {
      running.enter()
      Thread.detachNewThread { [self] in
        work()
        running.leave()
      }
    }
    return found
  }

  /// Waits until all that was asked for is there, or the time is over.
  public func wait(seconds: Double) { _ = running.wait(timeout: .now() + seconds) }

  /// From now on nothing is looked up any more.
  public func stop() {
    state.withLock {
      $0.isStopped = true
      $0.queue = []
    }
  }

  // MARK: - Looking up

  private func work() {
    while let (address, pause) = next() {
      if pause > 0 { usleep(UInt32(pause * 1e6)) }
      let name = resolve(address).map { HostDirectory.clean($0) }
      learn(address, name.flatMap { $0.isEmpty ? nil : $0 })
    }
  }

  /// The next address and how long to wait before; nil: there is none, and this worker ends.
  private func next() -> (IPAddress, Double)? {
    let now = now()
    return state.withLock { state in
      guard let address = state.queue.popLast() else {
        state.workers -= 1
        return nil
      }
      let start = max(now, state.nextSeconds)
      if let perSecond = limits.perSecond { state.nextSeconds = start + 1 / perSecond }
      return (address, start - now)
    }
  }

  private func learn(_ address: IPAddress, _ name: String?) {
    let now = now()
    let tell = state.withLock { state in
      state.pending.remove(address)
      let end = now + (name == nil ? limits.noNameSeconds : limits.nameSeconds)
      let before = state.entries.updateValue(Entry(name: name, endSeconds: end), forKey: address)
      if before == nil {
        state.order.append(address)
        if state.order.count - state.oldest > limits.capacity {
          state.entries[state.order[state.oldest]] = nil
          state.oldest += 1
        }
        if state.oldest > limits.capacity {
          state.order.removeFirst(state.oldest)
          state.oldest = 0
        }
      }
      if name != before?.name { state.hasNews = true }
      let isDue = state.queue.isEmpty || now - state.toldSeconds >= NameCache.newsSeconds
      guard state.hasNews, isDue else { return nil as (@Sendable () -> Void)? }
      state.hasNews = false
      state.toldSeconds = now
      return state.onNews
    }
    tell?()
  }

  /// getnameinfo(3) with NI_NAMEREQD: a name or nothing.
  public static func lookUp(_ address: IPAddress) -> String? {
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
