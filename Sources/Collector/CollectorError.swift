internal import Wire

/// Why a collector cannot do what it was asked to.
///
/// An interface that goes away during a capture is none, see `LiveCollectorService`.
/// Bad packets are never an error, they are a `PacketOutcome`; and a file that is damaged after its
/// first packet is a warning in the `CaptureReport`.
public enum CollectorError: Error, Equatable {
  /// The file cannot be opened or read.
  case unreadable(file: String, reason: String)
  /// The file opens, but is no capture.
  case notACapture(file: String, reason: String)
  /// The file begins like a capture and is damaged before its first packet.
  case damaged(file: String, damage: CaptureDamage)
  /// libpcap does not understand the filter.
  case badFilter(expression: String, reason: String)
  /// There is no interface of this name.
  case noInterface(name: String, existing: [String])
  /// The process may not capture.
  case notPermitted(interface: String, program: String)
  /// The interface is there, but can't be captured from.
  case badInterface(name: String, reason: String)
}

extension CollectorError: CustomStringConvertible {
  /// One line: the file or filter, the reason, and what to do where that is known.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason), .notACapture(let file, let reason):
      "\(file): \(reason)"
    case .damaged(let file, let damage):
      "\(file): \(damage), and no packet comes before that"
    case .badFilter(let expression, let reason):
      "filter \"\(expression)\": \(reason); see pcap-filter(7) for the language"
    case .noInterface(let name, let existing):
      "\(name): no such interface; there are: \(existing.joined(separator: ", "))"
    case .notPermitted(let interface, let program):
      "\(interface): no permission to capture; run it with sudo, or once: "
        + "sudo setcap cap_net_raw,cap_net_admin=ep \(program); or, where the package is installed, "
        + "join the group that may: sudo adduser $USER renkei"
    case .badInterface(let name, let reason):
      "\(name): \(reason)"
    }
  }
}

/// Where and why a capture cannot be read any further.
public struct CaptureDamage: Error, Equatable, CustomStringConvertible {
  /// Bytes from the start of the capture (of the compressed file where decompression failed); nil
  /// where libpcap read the file and does not say.
  public var offset: UInt64?
  /// Whether the file simply ends too early.
  public var isCutOff: Bool
  public var reason: String

  public init(offset: UInt64?, isCutOff: Bool = false, reason: String) {
    self.offset = offset
    self.isCutOff = isCutOff
    self.reason = reason
  }

  public var description: String {
    let what = isCutOff ? "cut off" : "damaged"
    guard let offset else { return "\(what): \(reason)" }
    return "\(what) at byte \(offset.grouped): \(reason)"
  }
}
