import Glibc
public import Wire

/// The descriptor of a new ring, for opening it from several sides with `openRing`.
public func makeRing(slots: Int = 8, slotBytes: Int = 4096) throws -> Int32 {
  let ring = try Ring(name: "test-ring", slotCount: slots, slotBytes: slotBytes)
  return dup(ring.descriptor)
}

/// One more mapping of a ring, as a child process would have it.
public func openRing(_ descriptor: Int32) throws -> Ring {
  try Ring(inherited: dup(descriptor))
}

/// A batch of records as bytes.
public func makeBatch(
  _ records: [PacketRecord], baseTick: UInt64 = 0, addresses: [(UInt32, IPAddress)] = [],
  slotBytes: Int = 65536
) -> [UInt8] {
  var slot = [UInt8](repeating: 0, count: slotBytes)
  slot.withUnsafeMutableBytes { bytes in
    var writer = BatchWriter(
      slot: bytes, header: BatchHeader(kind: .records, streamID: 1, sequence: 1, baseTick: baseTick)
    )
    for (handle, address) in addresses { writer.append(handle: handle, address: address) }
    for record in records { writer.append(record) }
    writer.finish()
  }
  return slot
}

/// Reads a ring to its end, copying every slot.
public func drain(_ ring: consuming Ring) throws -> [[UInt8]] {
  var reader = RingReader(ring)
  var slots: [[UInt8]] = []
  while let slot = reader.next() {
    slots.append(Array(slot))
    reader.release()
  }
  return slots
}

/// 10.0.0.1 as the number that a record carries.
public func v4(_ text: String) -> UInt32 {
  IPAddress(text)?.v4 ?? 0
}
