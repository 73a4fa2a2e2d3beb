internal import CLinux
internal import Glibc

/// What the kernel says of an interface of this network namespace.
enum NetworkInterface: Equatable {
  case missing
  /// Switched off: no socket can be bound to it. The number is the interface's index.
  case off(Int32)
  /// Without a carrier, which may come at any moment.
  case noCarrier(Int32)
  case up(Int32)

  /// libpcap's name for all interfaces together.
  static let any = "any"

  init(named name: String) {
    if name == NetworkInterface.any {
      self = .up(0)
      return
    }
    var flags: UInt32 = 0
    let index = renkei_interface(name, &flags)
    if index <= 0 {
      self = .missing
    } else {
      // netdevice(7): the user's wish, and whether there is a carrier.
      let isOn = flags & UInt32(IFF_UP) != 0
      let isRunning = flags & UInt32(IFF_RUNNING) != 0
      self = isOn ? isRunning ? .up(index) : .noCarrier(index) : .off(index)
    }
  }

  /// All names in the kernel's order, those that are down marked as such.
  static func all() -> [String] {
    guard let list = if_nameindex() else { return [] }
    defer { if_freenameindex(list) }
    var names: [String] = []
    var entry = list
    // The last entry has no name.
    while let name = entry.pointee.if_name {
      let text = String(cString: name)
      let isDown =
        switch NetworkInterface(named: text) {
        case .off, .noCarrier: true
        case .up, .missing: false
        }
      names.append(isDown ? "\(text) (down)" : text)
      entry += 1
    }
    return names
  }
}
