import ServiceMap
import TestSupport
import Wire

/// A store of a unit with random links, whose latest minutes go on being written.
struct RandomStore {
  static let begin: UInt64 = 1_795_000_020

  let store: UnitStore
  private(set) var minute = 0
  private var generator: SeededGenerator
  private var commits: UInt8 = 0
  private var capture = CaptureReport(files: [.init(name: "veth0")])
  /// By minute.
  private var links: [Int: [Link]] = [:]
  private let hosts: Int

  init(path: String, hosts: Int = 40, generator: SeededGenerator) throws {
    store = try UnitStore(path: path)
    self.hosts = hosts
    self.generator = generator
  }

  var now: UInt64 { RandomStore.begin + UInt64(minute * 60) }

  private func address(_ number: Int) -> IPAddress { Sample.addresses(hosts, mixed: true)[number] }

  /// Begins the next minute, or goes on with the one that is written; sometimes the one before gets more.
  mutating func commit(beginsMinute: Bool) throws {
    if beginsMinute { minute += 1 }
    let isLate = Int.random(in: 0..<8, using: &generator) == 0 && minute > 0 && !beginsMinute
    let late = isLate ? minute - 1 : minute
    var all = links[late] ?? []
    var changed: Set<Int> = []
    for _ in 0..<Int.random(in: 1...30, using: &generator) {
      var link = Sample.random(hosts: hosts, using: &generator)
      (link.a, link.b) = (store.id(of: address(link.a)), store.id(of: address(link.b)))
      if Int.random(in: 0..<5, using: &generator) == 0,
        let number = all.indices.randomElement(using: &generator)
      {
        all[number].add(link)
        changed.insert(number)
      } else {
        changed.insert(all.count)
        all.append(link)
      }
    }
    links[late] = all
    var accounting = Accounting()
    accounting[.mapped] = all.reduce(0) { $0 &+ $1.packets }
    capture.startNs = RandomStore.begin * 1_000_000_000
    capture.endNs = (now + UInt64(commits % 60)) * 1_000_000_000
    commits &+= 1
    try store.commit(
      UnitCommit(
        run: 7, progress: [commits], capture: capture,
        segments: [
          SegmentChange(
            beginSeconds: RandomStore.begin + UInt64(late * 60), accounting: accounting,
            links: changed.sorted().map { ($0, all[$0]) })
        ]))
    links = links.filter { $0.key >= minute - 1 }
  }

  /// Minutes that are over for so long become hours.
  mutating func compact(minutesSeconds: Int) throws {
    let retention = Retention(minutesSeconds: minutesSeconds)
    // Until then the last minutes might be gone on with.
    for _ in 0..<60 { try store.commit(UnitCommit(run: 7, progress: [commits], capture: capture)) }
    while try store.maintain(retention, nowSeconds: now + 660, budgetSeconds: 1) {}
    // All minutes are closed now: what comes late for one begins a segment of its own.
    links = [:]
  }
}
