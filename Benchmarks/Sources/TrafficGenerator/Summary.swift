/// What a run wrote, in numbers, for the line at its end.
struct Summary {
  /// Packets that the network carried.
  var packetsGenerated = 0
  /// Second copies of packets that were written.
  var copies = 0
  /// Packets that were written, without second copies.
  var packetsWritten = 0
  /// Sessions, ICMP included, of which at least one packet was written.
  private(set) var sessions = 0
  /// Time of the last packet, in microseconds since the capture began.
  var endUs: UInt64 = 0
  /// For each host, whether a packet from or to it was written.
  private var isSeen: [Bool]
  /// The hosts.
  private let hosts: HostPlan

  /// Nothing yet.
  init(hosts: HostPlan) {
    self.hosts = hosts
    isSeen = hosts.addresses.map { _ in false }
  }

  /// Counts a session.
  mutating func add(_ session: Session) {
    sessions += 1
    if session.client >= 0 { isSeen[Int(session.client)] = true }
    if session.server >= 0 { isSeen[Int(session.server)] = true }
  }

  /// One line: packets, sessions, client PCs, servers and /24 networks seen, length of the capture
  /// in seconds, and the time that writing took.
  func line(wallSeconds: Double) -> String {
    let seen = isSeen.indices.filter { isSeen[$0] }
    let clients = seen.prefix { $0 < hosts.clientCount }.count
    let networks = Set(seen.map { hosts.addresses[$0] >> 8 }).count
    let lost = packetsGenerated - packetsWritten
    return "packets \(packetsWritten)" + (lost > 0 ? " of \(packetsGenerated)" : "")
      + (copies > 0 ? ", copies \(copies)" : "")
      + ", sessions \(sessions), clients \(clients), servers \(seen.count - clients)"
      + ", networks \(networks), seconds \(Summary.rounded(Double(endUs) / 1e6))"
      + ", written in \(Summary.rounded(wallSeconds)) s\n"
  }

  /// A number with two decimals, without Foundation.
  private static func rounded(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let decimals = hundredths % 100
    return "\(hundredths / 100).\(decimals < 10 ? "0" : "")\(decimals)"
  }
}
