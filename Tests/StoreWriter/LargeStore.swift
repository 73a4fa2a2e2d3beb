internal import Foundation
internal import ServiceMap
internal import TestSupport
internal import Wire

/// The store of a large unit after a day: 22 hours as hours, two as minutes. And how it goes on.
struct LargeStore {
  let path: String
  private let large: LargeUnit
  private static let run: UInt64 = 0x16_0000
  private static let day = 24

  init(path: String, seed: UInt64) {
    self.path = path
    large = LargeUnit(seed: seed)
  }

  // MARK: - A day

  /// Writes the day that ends with the minute of `end`, and the names beside it: `PATH.names.csv`.
  ///
  /// Of an hour that becomes one, four minutes are written; of the last two hours all.
  func writeDay(endingAt end: UInt64) throws {
    try Data(large.names().utf8).write(to: URL(fileURLWithPath: path + ".names.csv"))
    let store = try UnitStore(path: path)
    let endHour = end / 3600 * 3600
    let begin = endHour - UInt64(LargeStore.day) * 3600
    var capture = CaptureReport(files: [.init(name: "eth0")])
    capture.startNs = begin * 1_000_000_000
    var generator = SeededGenerator(seed: 1)
    var minute = begin + 60
    while minute + 60 < end {
      let active = large.active(inHour: Int(minute / 3600 % 24))
      let isKept = minute >= endHour - 2 * 3600
      // In a quarter of an hour half of what passes in the hour; in a minute every eighth.
      let numbers = active.filter { _ in
        Int.random(in: 0..<8, using: &generator) < (isKept ? 1 : 4)
      }
      try commit(numbers, minute: minute, rounds: isKept ? 1 : 8, to: store, &capture)
      minute += isKept ? 60 : 900
    }
    // Until then the last minutes might be gone on with.
    for _ in 0..<60 {
      try store.commit(
        UnitCommit(run: LargeStore.run, progress: [], capture: capture))
    }
    while try store.maintain(
      Retention(minutesSeconds: 2 * 3600), nowSeconds: minute, budgetSeconds: 1)
    {}
    store.close()
    print("\(path): \(large.addresses.count) addresses, \(large.count) links, to \(minute)")
  }

  private func commit(
    _ numbers: [Int], minute: UInt64, rounds: UInt64, to store: UnitStore,
    _ capture: inout CaptureReport
  ) throws {
    var change = SegmentChange(beginSeconds: minute, accounting: Accounting())
    change.links = numbers.enumerated().map { place, number in
      (place, large.link(number, seconds: minute, rounds: rounds) { store.id(of: $0) })
    }
    for one in change.links { change.accounting[.mapped] += one.link.packets }
    capture.endNs = (minute + 59) * 1_000_000_000
    capture.frameBytes += change.links.reduce(0) { $0 + $1.link.bytesAB + $1.link.bytesBA }
    try store.commit(
      UnitCommit(run: LargeStore.run, progress: [], capture: capture, segments: [change]))
  }

  // MARK: - While it is read

  /// Goes on for so many seconds as a merger does: an epoch is committed every second in which `changes`
  /// links change, and there is maintenance between them. Minutes go on where the day ends.
  ///
  /// Prints how many epochs there were, and how long the longest commit took.
  func goOn(seconds: Int, changes: Int) throws {
    let store = try UnitStore(path: path)
    var generator = SeededGenerator(seed: 2)
    let clock = ContinuousClock()
    // From the minute on after the last that is there; a run of its own, so that what it counts begins
    // with it.
    let begin = UInt64(try StoreInfo.read(path: path).segments.map(\.endSeconds).max() ?? 0)
    var capture = CaptureReport(files: [.init(name: "eth0")])
    capture.startNs = begin * 1_000_000_000
    let run = LargeStore.run + begin
    var minute = UInt64(0)
    var active: [Int] = []
    /// By link: its number in the segment of the minute.
    var places: [Int: Int] = [:]
    var links: [Link] = []
    var accounting = Accounting()
    var longest = Duration.zero
    let began = clock.now
    for epoch in 0..<seconds {
      let now = begin + UInt64(epoch)
      if now / 60 * 60 != minute {
        minute = now / 60 * 60
        active = large.active(inHour: Int(minute / 3600 % 24))
        places = [:]
        links = []
        accounting = Accounting()
      }
      var changed: Set<Int> = []
      for _ in 0..<changes {
        let number = active[.random(in: active.indices, using: &generator)]
        let link = large.link(number, seconds: minute) { store.id(of: $0) }
        let place = places[number] ?? links.count
        if place == links.count {
          places[number] = place
          links.append(link)
        } else {
          links[place].add(link)
        }
        accounting[.mapped] += link.packets
        capture.frameBytes += link.bytesAB + link.bytesBA
        changed.insert(place)
      }
      capture.endNs = now * 1_000_000_000 + 999_999_999
      var change = SegmentChange(beginSeconds: minute, accounting: accounting)
      change.links = changed.sorted().map { ($0, links[$0]) }
      let time = try clock.measure {
        try store.commit(
          UnitCommit(run: run, progress: [], capture: capture, segments: [change]))
      }
      longest = max(longest, time)
      _ = try store.maintain(Retention(), nowSeconds: now, budgetSeconds: 0.03)
      let rest = began + .seconds(epoch + 1) - clock.now
      if rest > .zero { usleep(UInt32(rest / .microseconds(1))) }
    }
    store.close()
    print("\(seconds) epochs in \((clock.now - began) / .seconds(1)) s, longest commit \(longest)")
  }
}
