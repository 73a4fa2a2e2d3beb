internal import ServiceMap
internal import Wire

/// What commits, reading and compaction of minutes with many links cost, for docs/performance.md.
struct Measurement {
  let path: String
  let links: Int
  let segments: Int
  private let begin: UInt64 = 1_795_000_020

  func run() throws {
    let store = try UnitStore(path: path)
    let clock = ContinuousClock()
    let hosts = (0..<10_000).map { store.id(of: IPAddress(v4: 0x0A00_0000 + UInt32($0))) }
    var capture = CaptureReport(files: [.init(name: "veth0")])
    capture.startNs = begin * 1_000_000_000
    var (first, again): (Duration, Duration) = (.zero, .zero)
    for segment in 0..<segments {
      let all = (0..<links).map { ($0, link($0, segment, hosts)) }
      capture.endNs = (begin + UInt64(segment) * 60 + 59) * 1_000_000_000
      var accounting = Accounting()
      accounting[.mapped] = all.reduce(0) { $0 + $1.1.packets }
      // New links, and then all of them changed.
      for round in 0..<2 {
        let commit = UnitCommit(
          run: 1, progress: [], capture: capture,
          segments: [
            SegmentChange(
              beginSeconds: begin + UInt64(segment) * 60, accounting: accounting, links: all)
          ])
        let time = try clock.measure { try store.commit(commit) }
        if round == 0 { first += time } else { again += time }
      }
    }
    let rows = Double(links * segments)
    print("commit, new link: \(first / .microseconds(1) / rows) µs")
    print("commit, changed link: \(again / .microseconds(1) / rows) µs")
    try read(clock, rows, "minutes")
    // Until then the last minutes might be gone on with.
    for _ in 0..<60 {
      try store.commit(UnitCommit(run: 1, progress: [], capture: capture))
    }
    var slices: [Double] = []
    let retention = Retention(minutesSeconds: 600)
    let now = begin + UInt64(segments) * 60 + 7200
    let total = try clock.measure {
      var more = true
      while more {
        let slice = try clock.measure {
          more = try store.maintain(retention, nowSeconds: now, budgetSeconds: 0.03)
        }
        slices.append(slice / .milliseconds(1))
      }
    }
    slices.sort()
    print(
      "compaction: \(total / .seconds(1)) s in \(slices.count) slices of 30 ms, "
        + "median \(slices[slices.count / 2]), longest \(slices.suffix(3)) ms")
    try read(clock, rows, "hours")
    store.close()
  }

  private func read(_ clock: ContinuousClock, _ rows: Double, _ what: String) throws {
    var found = 0
    let time = try clock.measure { found = try MapStore.read(path: path).links.count }
    print(
      "reading \(what): \(time / .seconds(1)) s, \(time / .microseconds(1) / rows) µs a row of the "
        + "minutes, \(found) links")
  }

  private func link(_ number: Int, _ segment: Int, _ hosts: [Int]) -> Link {
    // Two thirds are servers' clients; of the rest each session has a port of its own.
    let isShaken = number % 3 != 0
    var link = Link(
      a: hosts[number % 100], b: hosts[100 + number / 100 * 7 % 9900],
      protocolNumber: isShaken ? 6 : 17, aPort: isShaken ? 443 : 53,
      bPort: UInt16(20_000 + (number * 13 + segment * 31) % 40_000),
      hasHandshake: isShaken,
      events: [.progressFromA, .progressFromB, .firstFromB])
    link.sessions = 2
    link.firstFromB = 2
    link.twoWay = 2
    link.packetsAB = 1000 + UInt64(number % 500)
    link.packetsBA = 900
    link.bytesAB = link.packetsAB * 900
    link.bytesBA = 90_000
    link.firstTick = Tick.of(nanoseconds: (begin + UInt64(segment) * 60) * 1_000_000_000)
    link.lastTick = link.firstTick + 14_000_000
    return link
  }
}
