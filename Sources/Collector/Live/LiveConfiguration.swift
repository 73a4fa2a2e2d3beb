/// How a collector captures from an interface.
public struct LiveConfiguration: Sendable {
  /// The interface's name; `any` for all of them.
  public var interface: String
  /// Bytes of each frame that are kept: enough for the headers, those of tunnels too.
  public var snaplenBytes = 256
  /// The kernel's buffer; it is never swapped out.
  public var bufferBytes = 256 << 20
  /// Whether packets between others are captured, which is what a mirror port sends.
  public var isPromiscuous = true
  /// The number that all collectors of an interface share, and this one's place among them, from 0; nil where
  /// there is only one.
  public var fanout: (group: UInt16, member: Int)?
  /// When to end by itself: after so many seconds of this process, or packets of the stream.
  public var durationSeconds: Double?
  public var packetsMax: UInt64?
  /// Whether nothing is captured any more: what a collector that was killed had is counted, and its stream ended.
  public var onlyEnds = false

  public init(interface: String) {
    self.interface = interface
  }

  /// The interface's drops are told once for all collectors of it.
  var countsInterfaceDrops: Bool { fanout.map { $0.member == 0 } ?? true }
}
