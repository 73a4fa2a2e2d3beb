import Foundation
import Wire

@testable import Collector

/// A run of the collector, with everything that came out of the ring.
struct CollectorRun {
  struct Record: Equatable {
    var source: IPAddress
    var destination: IPAddress
    var record: PacketRecord
    /// Ticks since 1970.
    var tick: UInt64
  }

  var headers: [BatchHeader] = []
  var records: [Record] = []
  /// Handle and address, in the order announced.
  var entries: [(UInt32, IPAddress)] = []
  var report: CaptureReport?
  var failure: (any Error)?

  var accounting: Accounting { headers.last?.accounting ?? Accounting() }

  /// - Parameter keepsRecords: false for large files, whose records are only counted.
  init(
    _ configuration: CollectorConfiguration, slotCount: Int = 4, slotBytes: Int = 64 << 10
  ) throws {
    let ring = try Ring(name: "collector-test", slotCount: slotCount, slotBytes: slotBytes)
    let descriptors = (read: dup(ring.descriptor), stop: dup(ring.descriptor))
    var stopper = RingWriter(try Ring(inherited: descriptors.stop))
    let status = try StatusBoard(processes: 1)
    // nonisolated(unsafe) because the semaphore orders the thread's writes before the reads below.
    nonisolated(unsafe) var drained = Drained()
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      do {
        try drained.drain(descriptors.read)
      } catch {
        drained.failure = error
      }
      done.signal()
    }
    thread.start()
    do {
      try CollectorService.run(configuration, output: RingWriter(ring), status: status, process: 0)
      done.wait()
      failure = drained.failure
    } catch {
      // A failed collector leaves its ring open; somebody has to end the reading.
      stopper.close()
      done.wait()
      failure = error
    }
    headers = drained.headers
    records = drained.records
    entries = drained.entries
    report = drained.report
  }

  /// Packets counted by files, by outcomes, and as records: the same captured packets.
  var accountsForEverything: Bool {
    guard let report else { return false }
    let packets = report.files.reduce(0) { $0 + $1.packets }
    return accounting.captured == packets && accounting[.mapped] == UInt64(records.count)
      && report.accounting.values.reduce(0, +) == packets
      && report.accounting["mapped"] == UInt64(records.count)
  }
}

private struct Drained {
  var headers: [BatchHeader] = []
  var records: [CollectorRun.Record] = []
  var entries: [(UInt32, IPAddress)] = []
  var report: CaptureReport?
  var failure: (any Error)?
  var table = AddressTable()

  mutating func drain(_ descriptor: Int32) throws {
    var reader = RingReader(try Ring(inherited: descriptor))
    while let slot = reader.next() {
      try take(BatchReader(slot))
      reader.release()
    }
  }

  private mutating func take(_ batch: BatchReader) throws {
    headers.append(batch.header)
    if batch.header.kind == .report {
      report = try JSONDecoder().decode(CaptureReport.self, from: Data(batch.payload))
      return
    }
    var announced: [(UInt32, IPAddress)] = []
    batch.forEachAddress { announced.append(($0, $1)) }
    for (handle, address) in announced { table.learn(handle: handle, address: address) }
    entries += announced
    guard let base = batch.payload.baseAddress else { return }
    for index in 0..<batch.header.itemCount {
      // SAFETY: BatchReader has checked that the payload holds itemCount records.
      let record = PacketRecord(reading: base + index * PacketRecord.bytes)
      records.append(
        CollectorRun.Record(
          source: table.address(of: record.source),
          destination: table.address(of: record.destination), record: record,
          tick: batch.header.baseTick + UInt64(record.tick)))
    }
  }
}
