internal import ServiceMap
internal import Wire

/// The whole map as one JSON document, schema `renkei.map/1` (docs/json.md).
///
/// Streamed by hand: an encoder would hold the 100 MB of a large map as a tree. Keys are in one
/// fixed order and every host, failure, group, … has a line of its own, so that two maps can be
/// compared with diff(1). What depends on how a capture was cut into files stands on two lines.
struct JSONReport {
  let map: ServiceMap
  /// Strings with their quotation marks and escapes.
  private let addresses: [[UInt8]]
  private let networks: [[UInt8]]
  private let labels: Labels

  init(map: ServiceMap, labels: Labels) {
    self.map = map
    self.labels = labels
    addresses = labels.addresses.map { Array("\"\($0)\"".utf8) }
    networks = labels.networks.map { Array("\"\($0)\"".utf8) }
  }

  func write(to out: inout ByteWriter) {
    out.write("{\"schema\":\"renkei.map/1\",\n")
    writeCapture(to: &out)
    writeSummary(to: &out)
    writeSelfCheck(to: &out)
    writeCompleteness(to: &out)
    writeHosts(to: &out)
    writeFailures(to: &out)
    writeGroups(to: &out)
    writePairs("undecided", map.undecided, hasPorts: true, to: &out)
    out.write(",\n")
    writePairs("notices", map.notices, hasPorts: false, to: &out)
    out.write("\n}\n")
  }

  private func writeCapture(to out: inout ByteWriter) {
    let capture = map.capture
    out.write("\"capture\":{\n\"files\":")
    out.json(capture.files.map(\.name))
    out.write(",\n\"warnings\":")
    out.json(capture.files.compactMap { file in file.warning.map { "\(file.name): \($0)" } })
    out.field(",\n\"start\":", time: capture.startNs)
    out.field(",\"end\":", time: capture.endNs)
    out.field(",\"packets\":", map.accounting.captured)
    out.field(",\"bytes\":", map.bytes)
    out.field(",\"frameBytes\":", capture.frameBytes)
    out.field(",\"lengthSaturated\":", capture.lengthSaturated)
    out.field(",\"sessionsExportedEarly\":", capture.sessionsExportedEarly)
    out.write(",\"filter\":")
    out.json(capture.filter)
    out.field(",\n\"accounting\":{\"captured\":", map.accounting.captured)
    for outcome in PacketOutcome.allCases {
      out.write(",\"")
      out.write(outcome.name)
      out.field("\":", map.accounting[outcome])
    }
    out.write("}},\n")
  }

  private func writeSummary(to out: inout ByteWriter) {
    let summary = map.summary
    out.field("\"summary\":{\"hosts\":", UInt64(summary.hosts))
    out.field(",\"servers\":", UInt64(summary.servers))
    out.field(",\"clients\":", UInt64(summary.clients))
    out.field(",\"networks\":", UInt64(summary.networks))
    out.field(",\"services\":", UInt64(summary.services))
    out.field(",\"relations\":", UInt64(summary.relations))
    out.field(",\"sessions\":", summary.sessions)
    out.write("},\n")
  }

  private func writeSelfCheck(to out: inout ByteWriter) {
    let check = map.selfCheck
    out.field("\"selfCheck\":{\"endpoints\":", UInt64(check.endpoints))
    out.field(",\"right\":", UInt64(check.right))
    out.field(",\"wrong\":", UInt64(check.wrong))
    out.field(",\"undecided\":", UInt64(check.undecided))
    out.field(",\"sessions\":", check.sessions)
    out.field(",\"sessionsRight\":", check.sessionsRight)
    out.field(",\"sessionsWrong\":", check.sessionsWrong)
    out.write("},\n")
  }

  private func writeCompleteness(to out: inout ByteWriter) {
    let complete = map.completeness
    out.field("\"completeness\":{\"sessions\":", complete.sessions)
    out.field(",\"oneWaySessions\":", complete.oneWaySessions)
    out.write(complete.isPartial ? ",\"partial\":true" : ",\"partial\":false")
    out.field(",\"undecidedPackets\":", complete.undecidedPackets)
    out.field(",\"undecidedBytes\":", complete.undecidedBytes)
    out.field(",\"droppedPackets\":", complete.droppedPackets)
    out.field(",\"services\":", UInt64(complete.services))
    out.write(",\"newServices\":")
    if let new = complete.newServices { out.decimal(new) } else { out.write("null") }
    out.write("},\n")
  }

  // MARK: - Hosts

  private func writeHosts(to out: inout ByteWriter) {
    out.write("\"hosts\":[")
    var isFirst = true
    // A server without part in the count of hosts (0.0.0.0) keeps its line, or its packets would
    // be in no line at all.
    for (index, host) in map.hosts.enumerated() where host.isActive || !host.provides.isEmpty {
      out.write(isFirst ? "\n" : ",\n")
      isFirst = false
      out.write("{\"address\":")
      out.write(addresses[index])
      out.write(",\"name\":")
      out.json(host.name)
      out.write(",\"network\":")
      out.write(networks[labels.networkOfHost[index]])
      out.write(",\"provides\":[")
      for service in host.provides {
        if service > host.provides.lowerBound { out.byte(UInt8(ascii: ",")) }
        write(map.services[service], to: &out)
      }
      out.write("],\"requests\":[")
      for position in host.requests {
        if position > host.requests.lowerBound { out.byte(UInt8(ascii: ",")) }
        write(request: map.relations[map.requestOrder[position]], to: &out)
      }
      out.write("]}")
    }
    out.write("\n],\n")
  }

  private func write(_ service: ServiceMap.Service, to out: inout ByteWriter) {
    let total = service.total
    writeEndpoint("{\"protocol\":\"", service.protocolNumber, service.port, to: &out)
    out.field(",\"clients\":", UInt64(service.clients))
    writeTraffic(
      total, in: (total.packetsToServer, total.bytesToServer),
      out: (total.packetsToClient, total.bytesToClient), to: &out)
    writeRole(total, to: &out)
    out.field(",\"firstSeen\":", time: total.firstNs)
    out.field(",\"lastSeen\":", time: total.lastNs)
    out.byte(UInt8(ascii: "}"))
  }

  private func write(request relation: Relation, to out: inout ByteWriter) {
    writeEndpoint("{\"protocol\":\"", relation.protocolNumber, relation.port, to: &out)
    out.write(",\"server\":")
    out.write(addresses[relation.server])
    writeTraffic(
      relation, in: (relation.packetsToClient, relation.bytesToClient),
      out: (relation.packetsToServer, relation.bytesToServer), to: &out)
    writeRole(relation, to: &out)
    out.byte(UInt8(ascii: "}"))
  }

  // MARK: - Parts of a line

  private func writeEndpoint(
    _ key: StaticString, _ protocolNumber: UInt8, _ port: UInt16, to out: inout ByteWriter
  ) {
    out.write(key)
    out.write(ProtocolName.of(protocolNumber))
    out.field("\",\"port\":", UInt64(port))
    out.write(",\"service\":")
    out.json(labels.service(protocolNumber, port))
  }

  private func writeTraffic(
    _ relation: Relation, in incoming: (packets: UInt64, bytes: UInt64),
    out outgoing: (packets: UInt64, bytes: UInt64), to out: inout ByteWriter
  ) {
    out.field(",\"sessions\":", relation.sessions)
    out.field(",\"packets\":", relation.packets)
    out.field(",\"bytes\":", relation.bytes)
    out.field(",\"packetsIn\":", incoming.packets)
    out.field(",\"bytesIn\":", incoming.bytes)
    out.field(",\"packetsOut\":", outgoing.packets)
    out.field(",\"bytesOut\":", outgoing.bytes)
    writeElsewhere(relation, to: &out)
  }

  /// Only clusters with several capture points have any.
  private func writeElsewhere(_ relation: Relation, to out: inout ByteWriter) {
    if relation.seenElsewhere > 0 { out.field(",\"seenElsewhere\":", relation.seenElsewhere) }
  }

  private func writeRole(_ relation: Relation, to out: inout ByteWriter) {
    out.write(",\"confidence\":")
    out.ratio(relation.confidence)
    out.write(",\"basis\":\"")
    out.write(labels.basis(relation.basis))
    out.write("\",\"kind\":\"")
    out.write(labels.kind(relation.kind))
    out.byte(UInt8(ascii: "\""))
  }
}

// MARK: - What is no service

extension JSONReport {
  private func writeFailures(to out: inout ByteWriter) {
    out.write("\"failures\":[")
    for index in map.failed {
      let relation = map.relations[index]
      out.write(index == map.failed.lowerBound ? "\n{\"client\":" : ",\n{\"client\":")
      out.write(addresses[relation.client])
      out.write(",\"server\":")
      out.write(addresses[relation.server])
      writeEndpoint(",\"protocol\":\"", relation.protocolNumber, relation.port, to: &out)
      out.field(",\"ports\":", UInt64(relation.serverPorts))
      out.field(",\"addresses\":", UInt64(relation.addresses))
      out.field(",\"sessions\":", relation.sessions)
      out.field(",\"refused\":", relation.refused)
      out.field(",\"unanswered\":", relation.unanswered)
      out.field(",\"packets\":", relation.packets)
      out.field(",\"bytes\":", relation.bytes)
      writeElsewhere(relation, to: &out)
      out.byte(UInt8(ascii: "}"))
    }
    out.write("\n],\n")
  }

  private func writeGroups(to out: inout ByteWriter) {
    out.write("\"groups\":[")
    for index in map.groups {
      let relation = map.relations[index]
      out.write(index == map.groups.lowerBound ? "\n{\"group\":" : ",\n{\"group\":")
      out.write(addresses[relation.server])
      writeEndpoint(",\"protocol\":\"", relation.protocolNumber, relation.port, to: &out)
      out.write(",\"sender\":")
      out.write(addresses[relation.client])
      out.field(",\"sessions\":", relation.sessions)
      out.field(",\"packets\":", relation.packets)
      out.field(",\"bytes\":", relation.bytes)
      writeElsewhere(relation, to: &out)
      out.byte(UInt8(ascii: "}"))
    }
    out.write("\n],\n")
  }

  /// Traffic between two sides of which neither is shown to serve: a is the map's server, which is the
  /// likelier one.
  private func writePairs(
    _ name: StaticString, _ range: Range<Int>, hasPorts: Bool, to out: inout ByteWriter
  ) {
    out.byte(UInt8(ascii: "\""))
    out.write(name)
    out.write("\":[")
    for index in range {
      let relation = map.relations[index]
      out.write(index == range.lowerBound ? "\n{\"protocol\":\"" : ",\n{\"protocol\":\"")
      out.write(ProtocolName.of(relation.protocolNumber))
      out.write("\",\"a\":")
      out.write(addresses[relation.server])
      if hasPorts { out.field(",\"aPort\":", UInt64(relation.port)) }
      out.write(",\"b\":")
      out.write(addresses[relation.client])
      if hasPorts {
        out.field(",\"bPort\":", UInt64(relation.clientPort))
        out.field(",\"ports\":", UInt64(relation.serverPorts))
        // By the digits that follow, so that the two never contradict each other.
        let isEven = ByteWriter.tenThousandths(relation.confidence) <= 5000
        out.write(isEven ? ",\"likelyServer\":null" : ",\"likelyServer\":\"a\"")
        out.write(",\"confidence\":")
        out.ratio(relation.confidence)
      } else {
        out.field(",\"port\":", UInt64(relation.port))
        out.write(",\"service\":")
        out.json(labels.service(relation.protocolNumber, relation.port))
      }
      out.field(",\"sessions\":", relation.sessions)
      out.field(",\"packets\":", relation.packets)
      out.field(",\"bytes\":", relation.bytes)
      out.field(",\"packetsAB\":", relation.packetsToClient)
      out.field(",\"bytesAB\":", relation.bytesToClient)
      out.field(",\"packetsBA\":", relation.packetsToServer)
      out.field(",\"bytesBA\":", relation.bytesToServer)
      writeElsewhere(relation, to: &out)
      out.byte(UInt8(ascii: "}"))
    }
    out.write("\n]")
  }
}
