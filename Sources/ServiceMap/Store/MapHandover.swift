internal import Foundation
public import Wire

/// Hands a finished map from the merger to the reporter of the same run, through a ring: the report is
/// made while the store is being written, or without any.
///
/// The stream: `links` batches with all addresses (their handles are the indices), then with all links;
/// `report` batches with the JSON of the `CaptureReport`, in pieces; `epochEnd`. The ring is closed when
/// the store is committed as well.
public enum MapHandover {
  /// - Complexity: O(links); waits while the ring is full.
  /// - Throws: where the capture report can't be encoded.
  public static func send(_ content: MapStore.Content, to writer: inout RingWriter) throws {
    precondition(MemoryLayout<Link>.stride == BatchHeader.linkBytes)
    var handle: UInt32 = 0
    while Int(handle) < content.addresses.count {
      var batch = BatchWriter(slot: writer.reserve(), header: BatchHeader(kind: .links))
      while Int(handle) < content.addresses.count, batch.hasRoom(bytes: 0, entries: 1) {
        batch.append(handle: handle, address: content.addresses[Int(handle)])
        handle += 1
      }
      batch.finish()
      writer.publish()
    }
    content.links.withUnsafeBytes {
      send($0, itemBytes: BatchHeader.linkBytes, .links, to: &writer)
    }
    let json = try JSONEncoder().encode(content.capture)
    json.withUnsafeBytes { send($0, itemBytes: 1, .report, to: &writer) }
    var end = BatchWriter(slot: writer.reserve(), header: BatchHeader(kind: .epochEnd))
    end.finish()
    writer.publish()
  }

  private static func send(
    _ items: UnsafeRawBufferPointer, itemBytes: Int, _ kind: BatchKind, to writer: inout RingWriter
  ) {
    let room = (writer.slotBytes - BatchHeader.bytes) / itemBytes * itemBytes
    for start in stride(from: 0, to: items.count, by: room) {
      let part = UnsafeRawBufferPointer(rebasing: items[start..<min(start + room, items.count)])
      var batch = BatchWriter(slot: writer.reserve(), header: BatchHeader(kind: kind))
      batch.append(part, count: part.count / itemBytes)
      batch.finish()
      writer.publish()
    }
  }

  /// Waits for the whole map.
  ///
  /// - Throws: `BatchError` where it is not one that `send` sent.
  public static func receive(from reader: inout RingReader) throws -> MapStore.Content {
    var addresses: [IPAddress] = []
    var links: [Link] = []
    // Memory only where it is touched, and nothing is moved when there are many.
    links.reserveCapacity(1 << 20)
    var json = Data()
    while let slot = reader.next() {
      let batch = try BatchReader(slot)
      switch batch.header.kind {
      case .links:
        batch.forEachAddress { _, address in addresses.append(address) }
        append(batch, to: &links)
      case .report: json.append(contentsOf: batch.payload)
      case .epochEnd:
        reader.release()
        return MapStore.Content(
          capture: try JSONDecoder().decode(CaptureReport.self, from: json), addresses: addresses,
          links: links)
      case .records, .sessions: throw BatchError.unknownKind
      }
      reader.release()
    }
    throw BatchError.tooShort
  }

  private static func append(_ batch: BatchReader, to links: inout [Link]) {
    // SAFETY: `BatchReader` checked that so many links are in the payload, and the merger, which is the
    // same program, wrote them. They lie at multiples of 8 bytes: the header has 136.
    guard let items = batch.payload.baseAddress else { return }
    links.append(
      contentsOf: UnsafeBufferPointer(
        start: items.assumingMemoryBound(to: Link.self), count: batch.header.itemCount))
  }

  /// Waits until the merger has nothing left to do.
  public static func awaitEnd(of reader: inout RingReader) {
    while reader.next() != nil { reader.release() }
  }
}
