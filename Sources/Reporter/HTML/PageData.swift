internal import ServiceMap
internal import Wire

/// The map as the page's script reads it: JSON around long strings of base64 digits.
///
/// Numbers are variable-length quantities: digits of the base64 alphabet with five bits each, least
/// significant first, and 32 added where more follow. Most numbers of a relation are small, so that
/// one takes 15 bytes where JSON's own numbers took 40, and no character of it means anything to
/// HTML. `decode` in report.js is the other side.
///
/// - `hosts`: network (difference), flags (1 active, 2 group), packets out, in, bytes out, in.
/// - `services`: server (difference), protocol, port, rows, first ms after the start, ms from first
///   to last, mean handshake in µs plus one (0: none), hidden clients, role.
/// - `relations`, in the order of the services: client (difference; number of hosts: all hidden
///   clients together), role·2 + 1 where counts of failed sessions follow, sessions[, refused,
///   unanswered], packets to server, to client, bytes to server, to client.
/// - `rest`, four strings: server (difference), protocol, port·2 + 1 where the number of further ports
///   follows[, that], client, client port, then as above.
struct PageData {
  let map: ServiceMap
  let labels: Labels
  let selection: PageSelection

  func write(to out: inout ByteWriter) {
    out.write("{\"start\":")
    out.decimal(startMs)
    out.write(",\"end\":")
    out.decimal((map.capture.endNs ?? 0) / 1_000_000)
    out.write(",\n\"addresses\":[")
    for (index, address) in labels.addresses.enumerated() {
      if index > 0 { out.byte(UInt8(ascii: ",")) }
      out.json(address, embedded: true)
    }
    out.write("],\n\"names\":{")
    var isFirst = true
    for (index, host) in map.hosts.enumerated() {
      guard let name = host.name else { continue }
      out.write(isFirst ? "\"" : ",\"")
      isFirst = false
      out.decimal(index)
      out.write("\":")
      out.json(name, embedded: true)
    }
    out.write("},\n\"networks\":[")
    for (index, network) in labels.networks.enumerated() {
      if index > 0 { out.byte(UInt8(ascii: ",")) }
      out.json(network, embedded: true)
    }
    out.write("],\n\"endpoints\":{")
    writeEndpoints(to: &out)
    out.write("},\n\"hosts\":\"")
    writeHosts(to: &out)
    var roles = Roles()
    out.write("\",\n\"services\":\"")
    writeServices(roles: &roles, to: &out)
    out.write("\",\n\"relations\":\"")
    for index in map.services.indices { write(clientsOf: index, roles: &roles, to: &out) }
    out.write("\",\n\"rest\":[")
    for (position, rows) in selection.rest.enumerated() {
      out.write(position == 0 ? "\"" : ",\"")
      write(rest: rows, roles: &roles, to: &out)
      out.byte(UInt8(ascii: "\""))
    }
    out.write("],\n\"restHidden\":[")
    for (position, hidden) in selection.restHidden.enumerated() {
      if position > 0 { out.byte(UInt8(ascii: ",")) }
      out.decimal(hidden)
    }
    out.write("],\n\"roles\":[")
    roles.write(labels, to: &out)
    out.write("]}")
  }

  private var startMs: UInt64 { (map.capture.startNs ?? 0) / 1_000_000 }

  /// For each protocol and port that occurs: how it is written, and its name.
  private func writeEndpoints(to out: inout ByteWriter) {
    for (index, key) in labels.endpoints.enumerated() {
      let (protocolNumber, port) = (UInt8(key >> 16), UInt16(key & 0xFFFF))
      out.write(index == 0 ? "\"" : ",\"")
      out.decimal(key)
      out.write("\":[")
      out.json(ServiceText.endpoint(protocolNumber, port), embedded: true)
      out.byte(UInt8(ascii: ","))
      out.json(labels.service(protocolNumber, port), embedded: true)
      out.byte(UInt8(ascii: "]"))
    }
  }

  private func writeHosts(to out: inout ByteWriter) {
    var network = 0
    for (index, host) in map.hosts.enumerated() {
      out.quantity(labels.networkOfHost[index] - network)
      network = labels.networkOfHost[index]
      out.quantity((host.isActive ? 1 : 0) + (host.isGroup ? 2 : 0))
      out.quantity(host.packetsOut)
      out.quantity(host.packetsIn)
      out.quantity(host.bytesOut)
      out.quantity(host.bytesIn)
    }
  }

  private func writeServices(roles: inout Roles, to out: inout ByteWriter) {
    var server = 0
    for (index, service) in map.services.enumerated() {
      let total = service.total
      out.quantity(service.server - server)
      server = service.server
      out.quantity(UInt64(service.protocolNumber))
      out.quantity(UInt64(service.port))
      let hidden = selection.hiddenClients(of: index)
      out.quantity(service.clients - hidden + (hidden > 0 ? 1 : 0))
      let firstMs = (total.firstNs ?? 0) / 1_000_000
      out.quantity(firstMs - min(firstMs, startMs))
      out.quantity(((total.lastNs ?? 0) - (total.firstNs ?? 0)) / 1_000_000)
      out.quantity(
        total.handshakes == 0
          ? 0 : 1 + Tick.nanoseconds(total.handshakeTicksSum) / total.handshakes / 1000)
      out.quantity(hidden)
      out.quantity(roles.index(of: total))
    }
  }

  private func write(clientsOf index: Int, roles: inout Roles, to out: inout ByteWriter) {
    var last = 0
    let service = map.services[index]
    guard let listed = selection.listed(of: index) else {
      for relation in map.relations[service.relations] {
        out.quantity(relation.client - last)
        last = relation.client
        writeCounters(relation, role: roles.index(of: relation), to: &out)
      }
      return
    }
    var others = Relation(
      server: service.server, client: map.hosts.count, protocolNumber: service.protocolNumber,
      port: service.port, kind: service.total.kind, basis: service.total.basis,
      confidence: service.total.confidence)
    for position in service.relations {
      let relation = map.relations[position]
      guard listed.contains(position) else {
        others.add(relation)
        continue
      }
      out.quantity(relation.client - last)
      last = relation.client
      writeCounters(relation, role: roles.index(of: relation), to: &out)
    }
    out.quantity(others.client - last)
    writeCounters(others, role: roles.index(of: others), to: &out)
  }

  private func write(rest rows: [Int], roles: inout Roles, to out: inout ByteWriter) {
    var server = 0
    for relation in rows.lazy.map({ map.relations[$0] }) {
      out.quantity(relation.server - server)
      server = relation.server
      out.quantity(UInt64(relation.protocolNumber))
      let hasMore = relation.serverPorts > 1
      out.quantity(UInt64(relation.port) * 2 + (hasMore ? 1 : 0))
      if hasMore { out.quantity(UInt64(relation.serverPorts) - 1) }
      out.quantity(relation.client)
      out.quantity(UInt64(relation.clientPort))
      writeCounters(relation, role: roles.index(of: relation), to: &out)
    }
  }

  private func writeCounters(_ relation: Relation, role: Int, to out: inout ByteWriter) {
    let hasFailed = relation.refused + relation.unanswered > 0
    out.quantity(role * 2 + (hasFailed ? 1 : 0))
    out.quantity(relation.sessions)
    if hasFailed {
      out.quantity(relation.refused)
      out.quantity(relation.unanswered)
    }
    out.quantity(relation.packetsToServer)
    out.quantity(relation.packetsToClient)
    out.quantity(relation.bytesToServer)
    out.quantity(relation.bytesToClient)
  }
}

/// The distinct roles, numbered as they occur. Confidences in thousandths, rounded down as where they are
/// shown, so that there are few of them: else each of 190,000 relations could have one of its own.
private struct Roles {
  private struct Role: Hashable {
    let kind: RelationKind
    let basis: Basis
    let thousandths: Int
  }
  private var indices: [Role: Int] = [:]
  private var roles: [Role] = []
  /// Neighbours mostly have the same role.
  private var last: (role: Role, index: Int)?

  mutating func index(of relation: Relation) -> Int {
    let role = Role(
      kind: relation.kind, basis: relation.basis,
      thousandths: Int(max(0, min(1, relation.confidence)) * 1000 + 1e-6))
    if let last, last.role == role { return last.index }
    let index = indices[role] ?? roles.count
    if index == roles.count {
      indices[role] = index
      roles.append(role)
    }
    last = (role, index)
    return index
  }

  func write(_ labels: Labels, to out: inout ByteWriter) {
    for (index, role) in roles.enumerated() {
      out.write(index == 0 ? "[\"" : ",[\"")
      out.write(labels.kind(role.kind))
      out.write("\",\"")
      out.write(labels.basis(role.basis))
      out.write("\",")
      out.ratio(Double(role.thousandths) / 1000)
      out.byte(UInt8(ascii: "]"))
    }
  }
}

extension ByteWriter {
  /// A variable-length quantity, see `PageData`.
  @inline(__always) mutating func quantity(_ value: UInt64) {
    var rest = value
    while rest > 31 {
      byte(ByteWriter.digit(UInt8(truncatingIfNeeded: rest & 31 | 32)))
      rest >>= 5
    }
    byte(ByteWriter.digit(UInt8(truncatingIfNeeded: rest)))
  }

  @inline(__always) mutating func quantity(_ value: Int) { quantity(UInt64(value)) }

  /// The base64 alphabet (RFC 4648 section 4).
  @inline(__always) private static func digit(_ value: UInt8) -> UInt8 {
    // SAFETY: there are 64 digits.
    digits.utf8Start[Int(value & 63)]
  }

  private static var digits: StaticString {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  }
}
