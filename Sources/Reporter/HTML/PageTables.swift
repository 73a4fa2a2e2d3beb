internal import Foundation
internal import ServiceMap
internal import Wire

/// The tables of the page's overview.
struct PageTables {
  let map: ServiceMap
  let labels: Labels
  let phrases: Phrases
  let overview: Overview

  struct ServiceTable {
    let key: String
    let title: String
    let rows: [ServiceRow]
  }

  struct ServiceRow {
    let service: String
    let port: String
    let endpoint: String
    let address: String
    let name: String
    let clients: String
    let bytes: String
    /// " bar" for the column the table is ranked by.
    let clientsBar: String
    let bytesBar: String
    let share: String
    let level: String
    let levelText: String
    let basis: String
    let basisText: String
    let confidence: String
    /// Length of the meter: 0 % where nothing is known, 100 % where all is.
    let certainty: String
    let because: String
    /// nil where `renkei why` has nothing to say: in protocols without ports.
    let command: String?
  }

  struct HostTable {
    let key: String
    let title: String
    let countKey: String
    let countTitle: String
    let rows: [HostRow]
  }

  struct HostRow {
    let address: String
    let name: String
    let services: String
    let count: String
    let share: String
    let bytesIn: String
    let bytesOut: String
  }

  struct Network {
    let network: String
    let hosts: String
    let servers: String
    let services: String
    let share: String
    let bytesIn: String
    let bytesOut: String
  }

  struct More {
    let shown: String
    let count: String
    let text: String
  }

  struct MatrixRow {
    let network: String
    let cells: [MatrixCell]
  }

  struct MatrixCell {
    let text: String
    /// Opacity of the cell's ground, 0.05–0.6; nil where nothing passed.
    let alpha: String?
  }

  private static let rowsMax = 10
  private static let networksMax = 30
  private static let matrixMax = 12

  // MARK: - Services and hosts

  func serviceTables() -> [ServiceTable] {
    let byClients = overview.topServicesByClients(PageTables.rowsMax)
    let byBytes = overview.topServicesByBytes(PageTables.rowsMax)
    return [
      table("topByClients", byClients, byClients: true),
      table("topByBytes", byBytes, byClients: false),
    ]
  }

  private func table(_ key: String, _ indices: [Int], byClients: Bool) -> ServiceTable {
    func weight(_ service: ServiceMap.Service) -> UInt64 {
      byClients ? UInt64(service.clients) : service.total.bytes
    }
    let most = indices.map { weight(map.services[$0]) }.max() ?? 0
    let rows = indices.map { index in
      let service = map.services[index]
      let endpoint = ServiceText.endpoint(service.protocolNumber, service.port)
      let name = labels.service(service.protocolNumber, service.port)
      let level = PageTables.level(service.total.confidence)
      let basis = labels.basis(service.total.basis)
      return ServiceRow(
        service: name.isEmpty ? endpoint : name, port: name.isEmpty ? "" : endpoint,
        endpoint: endpoint, address: labels.addresses[service.server],
        name: map.hosts[service.server].name ?? "", clients: HumanUnits.count(service.clients),
        bytes: HumanUnits.bytes(service.total.bytes), clientsBar: byClients ? " bar" : "",
        bytesBar: byClients ? "" : " bar", share: percent(weight(service), of: most),
        level: level, levelText: phrases["level.\(level)"], basis: basis,
        basisText: phrases["basis.\(basis)"],
        confidence: HumanUnits.confidence(service.total.confidence),
        certainty: String(max(0, HumanUnits.hundredths(service.total.confidence) * 2 - 100)),
        because: phrases["because.\(basis)"], command: command(service))
    }
    return ServiceTable(key: key, title: phrases[key], rows: rows)
  }

  /// What shows all the evidence. report.js makes the same.
  private func command(_ service: ServiceMap.Service) -> String? {
    guard ProtocolName.hasPorts(service.protocolNumber) else { return nil }
    let address = map.hosts[service.server].address
    let proto = ProtocolName.of(service.protocolNumber)
    let endpoint =
      address.isIPv4
      ? "\(address):\(service.port)/\(proto)" : "'[\(address)]:\(service.port)/\(proto)'"
    return "renkei why \(endpoint) --store map.db"
  }

  /// A confidence in words. report.js has the same steps.
  static func level(_ confidence: Double) -> String {
    switch confidence {
    case 0.98...: "certain"
    case 0.9...: "veryLikely"
    case 0.75...: "likely"
    default: "weak"
    }
  }

  func hostTables() -> [HostTable] {
    let servers = overview.topServers(PageTables.rowsMax)
    let most = UInt64(servers.map(\.clients).max() ?? 0)
    let talkers = overview.topTalkers(PageTables.rowsMax)
    let loudest = talkers.map { map.hosts[$0].bytesIn + map.hosts[$0].bytesOut }.max() ?? 0
    return [
      HostTable(
        key: "topServers", title: phrases["topServers"], countKey: "clients",
        countTitle: phrases["clients"],
        rows: servers.map {
          row($0.host, HumanUnits.count($0.clients), percent(UInt64($0.clients), of: most))
        }),
      HostTable(
        key: "topTalkers", title: phrases["topTalkers"], countKey: "bytes",
        countTitle: phrases["bytes"],
        rows: talkers.map {
          let bytes = map.hosts[$0].bytesIn + map.hosts[$0].bytesOut
          return row($0, HumanUnits.bytes(bytes), percent(bytes, of: loudest))
        }),
    ]
  }

  private func row(_ index: Int, _ count: String, _ share: String) -> HostRow {
    let host = map.hosts[index]
    return HostRow(
      address: labels.addresses[index], name: host.name ?? "",
      services: HumanUnits.count(host.provides.count), count: count, share: share,
      bytesIn: HumanUnits.bytes(host.bytesIn), bytesOut: HumanUnits.bytes(host.bytesOut))
  }

  /// Whole percent for the length of a bar.
  private func percent(_ part: UInt64, of whole: UInt64) -> String {
    whole == 0 ? "0" : String(Int(Double(part) / Double(whole) * 100))
  }

  // MARK: - Networks

  func networks() -> ([Network], More?) {
    struct Sum {
      var hosts = 0
      var servers = 0
      var services = 0
      var bytesIn: UInt64 = 0
      var bytesOut: UInt64 = 0
    }
    var sums = [Sum](repeating: Sum(), count: labels.networks.count)
    for (index, host) in map.hosts.enumerated() where host.isActive {
      let network = labels.networkOfHost[index]
      sums[network].hosts += 1
      sums[network].servers += host.provides.isEmpty ? 0 : 1
      sums[network].services += host.provides.count
      sums[network].bytesIn += host.bytesIn
      sums[network].bytesOut += host.bytesOut
    }
    let active = sums.indices.filter { sums[$0].hosts > 0 }
    let ranked = active.sorted {
      let (left, right) = (sums[$0], sums[$1])
      let (leftBytes, rightBytes) = (left.bytesIn + left.bytesOut, right.bytesIn + right.bytesOut)
      return leftBytes != rightBytes ? leftBytes > rightBytes : $0 < $1
    }.prefix(PageTables.networksMax)
    let most = UInt64(ranked.map { sums[$0].hosts }.max() ?? 0)
    let rows = ranked.map { index in
      Network(
        network: labels.networks[index], hosts: HumanUnits.count(sums[index].hosts),
        servers: HumanUnits.count(sums[index].servers),
        services: HumanUnits.count(sums[index].services),
        share: percent(UInt64(sums[index].hosts), of: most),
        bytesIn: HumanUnits.bytes(sums[index].bytesIn),
        bytesOut: HumanUnits.bytes(sums[index].bytesOut))
    }
    if ranked.count == active.count { return (rows, nil) }
    let shown = HumanUnits.count(ranked.count)
    let count = HumanUnits.count(active.count)
    let text = phrases.filled("networksMore", ["shown": shown, "count": count])
    return (rows, More(shown: shown, count: count, text: text))
  }

  /// How dark a cell is, 5 to 60 %.
  ///
  /// By magnitude: traffic spans many powers of ten. Whole percents, so that the last digit of a logarithm
  /// shows nowhere.
  static func shade(_ bytes: UInt64, of most: UInt64) -> Int {
    let magnitude = log(Double(bytes) + 1) / log(Double(max(1, most)) + 1)
    return Int(5 + 55 * magnitude * magnitude)
  }

  /// Bytes between the networks with most traffic of services: rows ask, columns answer.
  func matrix() -> ([String], [MatrixRow]) {
    let count = labels.networks.count
    var asked = [UInt64](repeating: 0, count: count)
    var answered = [UInt64](repeating: 0, count: count)
    for relation in map.relations.prefix(map.summary.relations) {
      asked[labels.networkOfHost[relation.client]] += relation.bytes
      answered[labels.networkOfHost[relation.server]] += relation.bytes
    }
    func ranked(_ sums: [UInt64]) -> [Int] {
      sums.indices.filter { sums[$0] > 0 }
        .sorted { sums[$0] != sums[$1] ? sums[$0] > sums[$1] : $0 < $1 }
        .prefix(PageTables.matrixMax).sorted()
    }
    let rows = ranked(asked)
    let columns = ranked(answered)
    // One network that talks to itself is no picture.
    if rows.count < 2 && columns.count < 2 { return ([], []) }
    var rowOf = [Int](repeating: -1, count: count)
    var columnOf = rowOf
    for (position, network) in rows.enumerated() { rowOf[network] = position }
    for (position, network) in columns.enumerated() { columnOf[network] = position }
    var cells = [UInt64](repeating: 0, count: rows.count * columns.count)
    for relation in map.relations.prefix(map.summary.relations) {
      let row = rowOf[labels.networkOfHost[relation.client]]
      let column = columnOf[labels.networkOfHost[relation.server]]
      if row >= 0, column >= 0 { cells[row * columns.count + column] += relation.bytes }
    }
    let most = cells.max() ?? 0
    let matrix = rows.indices.map { row in
      MatrixRow(
        network: labels.networks[rows[row]],
        cells: columns.indices.map { column in
          let bytes = cells[row * columns.count + column]
          if bytes == 0 { return MatrixCell(text: "", alpha: nil) }
          let alpha = PageTables.shade(bytes, of: most)
          return MatrixCell(
            text: HumanUnits.bytes(bytes), alpha: "0.\(alpha < 10 ? "0" : "")\(alpha)")
        })
    }
    return (columns.map { labels.networks[$0] }, matrix)
  }
}
