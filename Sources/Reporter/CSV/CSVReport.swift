internal import ServiceMap
internal import Wire

/// One row a relation of any kind, RFC 4180 with a header row (docs/json.md).
struct CSVReport {
  let map: ServiceMap
  let labels: Labels

  private static let header: StaticString = """
    kind,server,server_name,server_network,protocol,port,service,client,client_name,\
    client_network,client_port,sessions,refused,unanswered,packets_to_server,packets_to_client,\
    bytes_to_server,bytes_to_client,confidence,basis,first_seen,last_seen,handshakes,\
    handshake_ns_mean,handshake_ns_min,server_ports,addresses\r\n
    """

  func write(to out: inout ByteWriter) {
    out.write(CSVReport.header)
    for relation in map.relations {
      out.write(labels.kind(relation.kind))
      writeHost(relation.server, to: &out)
      out.byte(UInt8(ascii: ","))
      out.write(ProtocolName.of(relation.protocolNumber))
      out.field(",", UInt64(relation.port))
      out.byte(UInt8(ascii: ","))
      out.csv(labels.service(relation.protocolNumber, relation.port))
      writeHost(relation.client, to: &out)
      out.field(",", UInt64(relation.clientPort))
      out.field(",", relation.sessions)
      out.field(",", relation.refused)
      out.field(",", relation.unanswered)
      out.field(",", relation.packetsToServer)
      out.field(",", relation.packetsToClient)
      out.field(",", relation.bytesToServer)
      out.field(",", relation.bytesToClient)
      out.byte(UInt8(ascii: ","))
      out.ratio(relation.confidence)
      out.byte(UInt8(ascii: ","))
      out.write(labels.basis(relation.basis))
      out.byte(UInt8(ascii: ","))
      if let ns = relation.firstNs { out.time(ns: ns) }
      out.byte(UInt8(ascii: ","))
      if let ns = relation.lastNs { out.time(ns: ns) }
      out.field(",", relation.handshakes)
      out.byte(UInt8(ascii: ","))
      if relation.handshakes > 0 {
        out.decimal(Tick.nanoseconds(relation.handshakeTicksSum) / relation.handshakes)
        out.field(",", Tick.nanoseconds(relation.handshakeTicksMin))
      } else {
        out.byte(UInt8(ascii: ","))
      }
      out.field(",", UInt64(relation.serverPorts))
      out.field(",", UInt64(relation.addresses))
      out.write("\r\n")
    }
  }

  private func writeHost(_ index: Int, to out: inout ByteWriter) {
    out.byte(UInt8(ascii: ","))
    out.write(labels.addresses[index])
    out.byte(UInt8(ascii: ","))
    out.csv(map.hosts[index].name ?? "")
    out.byte(UInt8(ascii: ","))
    out.write(labels.networks[labels.networkOfHost[index]])
  }
}
