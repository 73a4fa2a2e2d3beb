internal import Foundation
internal import Glibc
public import ServiceMap
internal import Synchronization
public import Wire

/// The maps of a store that pages are made of, by time, each read once and again when the store has grown.
///
/// Reading takes as long as it takes, so it happens on a thread of its own, at a lower priority than
/// answering, and at most a tenth of the time: pages show the last map that was read, and say of when it is.
public actor MapSource {
  /// How the store is read.
  public struct Options: Sendable {
    public var path: String
    public var overrides = RoleOverrides()
    public var networkBits = ServiceMap.NetworkBits()
    public var directory = HostDirectory()
    public var serviceNames = ServiceNames()
    /// Whether addresses outside the organisation are joined by network.
    public var foldsOutside = false
    /// Names that files don't have; called with the map's addresses.
    public var names: @Sendable ([IPAddress]) -> [IPAddress: String] = { _ in [:] }

    public init(path: String) { self.path = path }
  }

  /// A time, and the newest map of it.
  private struct Entry {
    let reader: MapReader
    var snapshot: MapSnapshot?
    /// Under way; others wait for the same.
    var reading: Task<MapSnapshot, any Error>?
    var askedAt = 0.0
    var readAt = 0.0
    var readingSeconds = 0.0
  }

  private let options: Options
  /// What is to be done with a new map before it is shown in the place of another.
  private var prepare: @Sendable (_ before: UInt64, MapSnapshot) async -> Void = { _, _ in }
  private var entries: [MapTime: Entry] = [:]
  private var numbers: UInt64 = 0
  private var listeners: [Int: AsyncStream<String>.Continuation] = [:]
  private var listenersEver = 0

  /// Maps of so many times are kept: each has the size of a map.
  private static let entriesMax = 6
  /// A map is read again at the earliest after so long, and after ten times what reading took.
  private static let pauseSeconds = 2.0
  private static let share = 10.0
  /// Nobody has asked for so long: it is not read again until somebody does.
  private static let restSeconds = 120.0

  public init(_ options: Options) {
    self.options = options
  }

  /// The time that is shown unless asked: a day of what a unit writes; the whole of a capture.
  public nonisolated func usualTime() -> MapTime {
    let spans = (try? StoreInfo.read(path: options.path))?.segments ?? []
    return spans.contains { $0.resolutionSeconds > 0 } ? .last(seconds: 86_400) : .all
  }

  /// The map of a time. The first one to ask for a time waits until it has been read.
  ///
  /// - Throws: `StoreError`.
  func snapshot(_ time: MapTime) async throws -> MapSnapshot {
    let now = Clock.seconds()
    if entries[time] == nil { add(time) }
    let rested = now - (entries[time]?.askedAt ?? now) > MapSource.restSeconds
    entries[time]?.askedAt = now
    if let snapshot = entries[time]?.snapshot, !rested { return snapshot }
    return try await read(time)
  }

  private func add(_ time: MapTime) {
    if entries.count >= MapSource.entriesMax,
      let oldest = entries.filter({ $0.value.reading == nil })
        .min(by: { $0.value.askedAt < $1.value.askedAt })
    {
      entries[oldest.key] = nil
    }
    entries[time] = Entry(reader: MapReader(time, options))
  }

  private func read(_ time: MapTime) async throws -> MapSnapshot {
    if let reading = entries[time]?.reading { return try await reading.value }
    guard let entry = entries[time] else { throw CancellationError() }
    numbers += 1
    let (number, before) = (numbers, entry.snapshot)
    let reading = Task { try await entry.reader.snapshot(number: number, before: before) }
    entries[time]?.reading = reading
    let start = Clock.seconds()
    defer { entries[time]?.reading = nil }
    let snapshot = try await reading.value
    let end = Clock.seconds()
    entries[time]?.readAt = end
    guard snapshot !== before else { return snapshot }
    if let before { await prepare(before.number, snapshot) }
    entries[time]?.snapshot = snapshot
    entries[time]?.readingSeconds = end - start
    if before != nil {
      for listener in listeners.values { listener.yield("{\"map\":\(number)}") }
    }
    return snapshot
  }

  /// Reads again what is being looked at, until the task is cancelled.
  public func follow() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(1))
      let now = Clock.seconds()
      for (time, entry) in entries where entry.snapshot != nil && entry.reading == nil {
        if now - entry.askedAt > MapSource.restSeconds && listeners.isEmpty { continue }
        let pause = max(MapSource.pauseSeconds, entry.readingSeconds * MapSource.share)
        if now - entry.readAt < pause { continue }
        // A store that can't be read for a moment: the map that is there is shown on.
        _ = try? await read(time)
      }
    }
  }

  func setPreparation(_ prepare: @escaping @Sendable (UInt64, MapSnapshot) async -> Void) {
    self.prepare = prepare
  }

  // MARK: - News

  nonisolated func events() -> AsyncStream<String> {
    let (stream, continuation) = AsyncStream<String>.makeStream(
      bufferingPolicy: .bufferingNewest(1))
    Task { await add(continuation) }
    return stream
  }

  private func add(_ listener: AsyncStream<String>.Continuation) {
    listenersEver += 1
    let number = listenersEver
    listeners[number] = listener
    listener.onTermination = { [weak self] _ in
      Task { await self?.remove(number) }
    }
  }

  private func remove(_ listener: Int) { listeners[listener] = nil }
}

/// Reads the map of one time, again and again.
private final class MapReader: Sendable {
  private let options: MapSource.Options
  private let follower: Mutex<StoreFollower>

  init(_ time: MapTime, _ options: MapSource.Options) {
    self.options = options
    follower = Mutex(StoreFollower(path: options.path, time: time, withSeries: true))
  }

  /// - Returns: `before` where nothing has changed since.
  func snapshot(number: UInt64, before: MapSnapshot?) async throws -> MapSnapshot {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        // Of this thread alone (setpriority(2)), which ends with it: answering comes first, and nobody may
        // raise a priority again.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        continuation.resume(with: Result { try self.read(number, before) })
      }
    }
  }

  private func read(_ number: UInt64, _ before: MapSnapshot?) throws -> MapSnapshot {
    let now = Int(Date().timeIntervalSince1970)
    guard let content = try follower.withLock({ try $0.read(now: now) }) else {
      if let before { return renamed(before, number) }
      throw SiteProblem.unavailable("\(options.path): nothing is stored yet")
    }
    var map = content.map(
      overrides: options.overrides, networkBits: options.networkBits,
      name: { [options] in options.directory.name(of: $0) })
    if options.foldsOutside { map = map.folded(outside: options.directory) }
    let names = newNames(for: map)
    if !names.isEmpty { map = map.named(names) }
    return MapSnapshot(
      map: map, names: options.serviceNames, directory: options.directory, series: content.series,
      coverage: content.coverage,
      evidence: .init(
        links: content.links, addresses: content.addresses, overrides: options.overrides),
      number: number)
  }

  /// The same map where names have come meanwhile.
  private func renamed(_ before: MapSnapshot, _ number: UInt64) -> MapSnapshot {
    let names = newNames(for: before.map)
    if names.isEmpty { return before }
    return MapSnapshot(
      map: before.map.named(names), names: options.serviceNames, directory: options.directory,
      series: before.series, coverage: before.coverage, evidence: before.evidence, number: number)
  }

  private func newNames(for map: ServiceMap) -> [IPAddress: String] {
    options.names(
      map.hosts.filter { $0.isActive && $0.name == nil && $0.prefixBits == nil }.map(\.address))
  }
}
