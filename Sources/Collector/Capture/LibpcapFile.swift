internal import CPcap

/// A capture that libpcap reads and renkei's own parsers do not: the modified pcap of old Linux
/// kernels (magic a1b2cd34) and the like.
final class LibpcapFile {
  private let handle: OpaquePointer
  private let linkType: LinkType

  /// - Returns: nil where libpcap does not know the format either.
  init?(path: String) {
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard
      let handle = pcap_open_offline_with_tstamp_precision(
        path, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
    else { return nil }
    self.handle = handle
    linkType = LinkType(number: UInt32(bitPattern: pcap_datalink(handle)))
  }

  deinit { pcap_close(handle) }

  /// Passes on all packets; the answer is what is wrong with the file.
  func read<Sink: PacketSink & ~Copyable>(
    into sink: inout Sink
  ) throws(Sink.Failure) -> CaptureDamage? {
    while true {
      var header: UnsafeMutablePointer<pcap_pkthdr>?
      var bytes: UnsafePointer<UInt8>?
      switch pcap_next_ex(handle, &header, &bytes) {
      case 1:
        guard let header, let bytes else { return nil }
        let time = header.pointee.ts
        // The precision asked for at opening makes tv_usec nanoseconds.
        let timestampNs =
          UInt64(max(0, time.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, time.tv_usec))
        try sink.take(
          CapturedPacket(
            bytes: UnsafeRawPointer(bytes), capturedLength: Int(header.pointee.caplen),
            originalLength: Int(header.pointee.len), timestampNs: timestampNs,
            linkType: linkType))
      case -1:
        return CaptureDamage(offset: nil, reason: String(cString: pcap_geterr(handle)))
      default:
        return nil
      }
    }
  }
}
