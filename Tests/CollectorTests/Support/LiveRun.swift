import Foundation
import TestSupport
import Wire

/// Collectors on an interface of a namespace, and what they leave: the board, the book, a ring for each.
final class LiveRun {
  let namespace: NetworkNamespace
  let board: Int32
  let addresses: Int32
  let rings: [Int32]

  init(collectors: Int = 1, slotCount: Int = 64, slotBytes: Int = 65536) throws {
    namespace = try NetworkNamespace()
    let status = try StatusBoard(processes: collectors)
    board = dup(status.descriptor)
    let book = try SharedAddresses(capacity: 1 << 16)
    addresses = withExtendedLifetime(book) { dup(book.descriptor) }
    rings = try (0..<collectors).map { _ in
      try makeRing(slots: slotCount, slotBytes: slotBytes)
    }
  }

  deinit { for descriptor in rings + [board, addresses] { close(descriptor) } }

  /// - Parameter isExpectedUp: waits until it captures.
  func start(
    _ options: [String] = [], interface: String = NetworkNamespace.inside, collector: Int = 0,
    through prefix: [String] = [], isExpectedUp: Bool = true
  ) throws -> StageProcess {
    let process = try StageProcess(
      prefix: namespace.prefix + prefix,
      [
        "stage", "collect", "--interface", interface, "--addresses-fd", "\(addresses)",
        "--output-fd",
        "\(rings[collector])", "--buffer-bytes", "\(8 << 20)",
      ] + options, statusDescriptor: board, process: collector,
      descriptors: [addresses, rings[collector]])
    if isExpectedUp { try waitFor(.interfaceState, collector: collector) { $0 == 1 } }
    return process
  }

  func get(_ field: StatusBoard.Field, collector: Int = 0) throws -> UInt64 {
    try StatusBoard(inherited: dup(board)).get(field, of: collector)
  }

  func accounting(collector: Int = 0) throws -> Accounting {
    try StatusBoard(inherited: dup(board)).accounting(of: collector)
  }

  /// Waits until the board says so.
  func waitFor(
    _ field: StatusBoard.Field, collector: Int = 0, limitSeconds: Double = 20,
    _ isReached: (UInt64) -> Bool
  ) throws {
    let limit = Date() + limitSeconds
    while !isReached(try get(field, collector: collector)) {
      guard Date() < limit else {
        throw LiveRunError(
          description: "\(field) is still \(try get(field, collector: collector))")
      }
      usleep(10_000)
    }
  }

  /// All that a closed ring holds: the headers, and the records with their times.
  func drain(collector: Int = 0) throws -> (headers: [BatchHeader], records: [PacketRecord]) {
    var headers: [BatchHeader] = []
    var records: [PacketRecord] = []
    for slot in try TestSupport.drain(openRing(rings[collector])) {
      try slot.withUnsafeBytes { bytes in
        let batch = try BatchReader(bytes)
        headers.append(batch.header)
        for index in 0..<batch.header.itemCount {
          let record = batch.payload.baseAddress.map {
            PacketRecord(reading: $0 + index * PacketRecord.bytes)
          }
          if let record { records.append(record) }
        }
      }
    }
    return (headers, records)
  }

  /// Frames that differ by their ports: 10,000 and up × 50,000.
  static func frames(
    _ numbers: Range<Int>, payloadBytes: Int = 20, vlan: UInt16? = nil
  ) -> [[UInt8]] {
    numbers.map { number in
      let packet = Frame.ipv4(
        protocolNumber: 17, identification: UInt16(truncatingIfNeeded: number),
        Frame.udp(
          UInt16(10_000 + number / 50_000), UInt16(number % 50_000),
          [UInt8](repeating: 0, count: payloadBytes)))
      guard let vlan else { return Frame.ethernet(.ipv4, packet) }
      return Frame.ethernet(.vlan, Frame.vlan(vlan, .ipv4, packet))
    }
  }

  /// The number of a frame by its record.
  static func number(_ record: PacketRecord) -> Int {
    (Int(record.sourcePort) - 10_000) * 50_000 + Int(record.destinationPort)
  }
}

struct LiveRunError: Error, CustomStringConvertible {
  let description: String
}
