/// What a collector is asked to do.
public struct CollectorConfiguration: Sendable {
  /// Capture files in the order to read them; "-" is standard input.
  public var files: [String]
  /// A filter in the language of pcap-filter(7); empty keeps everything.
  public var filter: String
  /// Whether the packet inside a tunnel is mapped instead of the one that carries it.
  public var decapsulate: Bool
  /// Whether copies of packets already seen are counted as `duplicate` and left out of the map.
  public var deduplicate: Bool
  /// How many tunnels in each other are opened.
  public var tunnelDepthMax: Int
  /// Where the packets were seen; travels in every batch.
  public var capturePoint: UInt32
  /// The stream that the batches belong to.
  public var streamID: UInt32
  /// How many IPv6 addresses (and IPv4 ones in 240.0.0.0/4) get a handle; packets that bring more
  /// are counted as `addressBookFull`. at most 48 bytes of memory each.
  public var addressCapacity: Int

  public init(
    files: [String], filter: String = "", decapsulate: Bool = true, deduplicate: Bool = true,
    tunnelDepthMax: Int = 4, capturePoint: UInt32 = 1, streamID: UInt32 = 1,
    addressCapacity: Int = 1 << 22
  ) {
    self.files = files
    self.filter = filter
    self.decapsulate = decapsulate
    self.deduplicate = deduplicate
    self.tunnelDepthMax = tunnelDepthMax
    self.capturePoint = capturePoint
    self.streamID = streamID
    self.addressCapacity = addressCapacity
  }
}
