internal import ArgumentParser
internal import Foundation
internal import StageDrives
internal import Wire

/// A ring between two processes: this one writes records into it one by one, the other reads each.
struct RingCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ring", abstract: "Records from one process to another.")

  @Option(help: "How many records.") var records = 400_000_000
  @Option(help: "How often.") var runs = 1

  func run() throws {
    for _ in 0..<runs {
      let file = try RingFile()
      let reader = try Child(
        arguments: ["ring-read", "\(Child.inherited)", "\(records)"], descriptor: file.descriptor)
      var writer = RingWriter(try file.open())
      let began = DispatchTime.now()
      let sum = write(into: &writer)
      let status = reader.wait()
      let elapsed = DispatchTime.now().uptimeNanoseconds - began.uptimeNanoseconds
      guard status == 0 else { throw ExitCode(status) }
      try JSONLine.print([
        "stage": "ring", "items": records, "wall": Double(elapsed) * 1e-9,
        "checksum": Int(sum & 0xFFFF_FFFF),
      ])
    }
  }

  /// Writes all records, each different from the one before; answers what the reader must find.
  private func write(into writer: inout RingWriter) -> UInt64 {
    var sum: UInt64 = 0
    var left = records
    var sequence: UInt64 = 0
    var record = PacketRecord(
      destination: 0x0A0A_0001, destinationPort: 443, source: 0x0A14_0001, sourcePort: 49_152,
      protocolNumber: IPProtocolNumber.tcp, tcpFlags: .ack, lengthBytes: 1500)
    while left > 0 {
      sequence += 1
      var batch = BatchWriter(
        slot: writer.reserve(), header: BatchHeader(kind: .records, sequence: sequence))
      while left > 0, batch.hasRoom(bytes: PacketRecord.bytes) {
        record.sourcePort &+= 1
        record.source &+= 0x101
        sum &+= RingCommand.digest(record)
        batch.append(record)
        left -= 1
      }
      batch.finish()
      writer.publish()
    }
    // The sum travels as the last batch: the reader compares it with its own.
    var last = BatchWriter(
      slot: writer.reserve(), header: BatchHeader(kind: .epochEnd, sequence: sum))
    last.finish()
    writer.publish()
    writer.close()
    return sum
  }

  /// Something of each field that changes, so that neither side can leave the records unread.
  @inline(__always)
  static func digest(_ record: PacketRecord) -> UInt64 {
    UInt64(record.source) &+ UInt64(record.sourcePort) &+ UInt64(record.lengthBytes)
  }
}

/// The other process.
struct RingReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ring-read", abstract: "The reading process of ring.", shouldDisplay: false)

  @Argument var descriptor: Int32
  @Argument var records: Int

  func run() throws {
    var reader = RingReader(try Ring(inherited: descriptor))
    var sum: UInt64 = 0
    var count = 0
    var sent: UInt64 = 0
    while let slot = reader.next() {
      let batch = try BatchReader(slot)
      if batch.header.kind == .epochEnd { sent = batch.header.sequence }
      if batch.header.kind == .records, var position = batch.payload.baseAddress {
        for _ in 0..<batch.header.itemCount {
          // SAFETY: BatchReader checked that itemCount records lie in the payload.
          sum &+= RingCommand.digest(PacketRecord(reading: position))
          position += PacketRecord.bytes
        }
        count += batch.header.itemCount
      }
      reader.release()
    }
    guard sum == sent, count == records else {
      throw CleanExit.message("the ring lost or changed records: \(count) of \(records)")
    }
  }
}

/// This program once more, as a child that inherits one descriptor.
private struct Child {
  /// The number that the descriptor has in the child.
  static let inherited: Int32 = 3
  private let process: pid_t

  init(arguments: [String], descriptor: Int32) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, descriptor, Child.inherited)
    var words: [UnsafeMutablePointer<CChar>?] = (["renkei-stages"] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process: pid_t = 0
    let code = posix_spawn(&process, "/proc/self/exe", &actions, nil, words, environ)
    guard code == 0 else { throw POSIXError(POSIXError.Code(rawValue: code) ?? .EIO) }
    self.process = process
  }

  /// Waits for its end.
  ///
  /// - Returns: 0 where it ended well.
  func wait() -> Int32 {
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return status
  }
}
