internal import CLinux
internal import CPcap
internal import Glibc

/// An interface that is being captured from: libpcap's handle (TPACKET_V3, packet(7)).
///
/// The kernel writes packets into blocks of memory that is mapped here, and hands over a block when it is full or
/// `blockMilliseconds` old; packets are looked at where they lie.
struct LiveHandle: ~Copyable {
  /// How long the kernel may keep a packet back to fill its block.
  static let blockMilliseconds: Int32 = 50

  private let handle: OpaquePointer
  let linkType: LinkType
  /// The interface's index; 0 for `any`.
  let index: Int32
  /// Readable when there are packets. Never blocks.
  let descriptor: Int32
  /// The first packets, which came before this socket shared the interface with others: those have them too.
  private(set) var foreign: UInt64 = 0
  private let countsInterfaceDrops: Bool
  private var last = pcap_stat()
  /// Packets that the kernel put into the buffer, without the foreign ones; as of the last `readDrops`.
  private(set) var delivered: UInt64 = 0

  /// Why there is no handle.
  enum Failure: Error, Equatable {
    case missing
    case down
    /// Trying again won't help.
    case lasting(CollectorError)
  }

  /// Opens `live.interface`, and makes it one of several sockets where that is asked for.
  static func open(_ live: LiveConfiguration) throws(Failure) -> LiveHandle {
    let index: Int32
    switch NetworkInterface(named: live.interface) {
    case .missing: throw .missing
    case .off: throw .down
    case .noCarrier(let number), .up(let number): index = number
    }
    let opened = try activate(live)
    var handle = LiveHandle(opened.handle, opened.linkType, index, live)
    if let fanout = live.fanout { try handle.share(fanout.group, live.interface) }
    return handle
  }

  private init(
    _ handle: OpaquePointer, _ linkType: LinkType, _ index: Int32, _ live: LiveConfiguration
  ) {
    self.handle = handle
    self.linkType = linkType
    self.index = index
    descriptor = pcap_get_selectable_fd(handle)
    countsInterfaceDrops = live.countsInterfaceDrops
  }

  private static func activate(
    _ live: LiveConfiguration
  ) throws(Failure) -> (handle: OpaquePointer, linkType: LinkType) {
    func lasting(_ reason: String) -> Failure {
      .lasting(.badInterface(name: live.interface, reason: reason))
    }
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let handle = pcap_create(live.interface, &message) else {
      throw lasting(LiveHandle.text(message))
    }
    do throws(Failure) {
      // These only fail on a handle that is active already.
      pcap_set_snaplen(handle, Int32(clamping: live.snaplenBytes))
      pcap_set_promisc(handle, live.isPromiscuous ? 1 : 0)
      pcap_set_timeout(handle, LiveHandle.blockMilliseconds)
      pcap_set_buffer_size(handle, Int32(clamping: live.bufferBytes))
      // Linux has them since 2.6.22.
      guard pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO) == 0 else {
        throw lasting("no time stamps in nanoseconds")
      }
      let status = pcap_activate(handle)
      if status < 0 { throw LiveHandle.failure(status, of: handle, live) }
      guard pcap_setnonblock(handle, 1, &message) == 0 else {
        throw lasting(LiveHandle.text(message))
      }
      // `any`: version 2 has the interface in it. Others don't have this link type, which is no error.
      if live.interface == NetworkInterface.any { pcap_set_datalink(handle, DLT_LINUX_SLL2) }
      let number = pcap_datalink(handle)
      let linkType =
        LinkType.allCases.first { $0 != .unsupported && $0.runTimeNumber == number }
        ?? LinkType(number: UInt32(bitPattern: number))
      if linkType == .unsupported {
        let name = pcap_datalink_val_to_name(number).map { String(cString: $0) } ?? "\(number)"
        throw lasting(
          "its frames are of link type \(name), which renkei does not read; capture from another "
            + "interface of this host")
      }
      return (handle, linkType)
    } catch {
      pcap_close(handle)
      throw error
    }
  }

  deinit { pcap_close(handle) }

  /// Joins the sockets that share the interface. From its opening up to now this one got every packet, as
  /// another one did; nothing comes in while they are counted.
  private mutating func share(_ group: UInt16, _ interface: String) throws(Failure) {
    func check(_ status: Int32) throws(Failure) {
      guard status < 0 else { return }
      throw .lasting(
        .badInterface(
          name: interface,
          reason: "can't be shared by several collectors: \(String(cString: strerror(-status)))"))
    }
    try check(renkei_socket_refuse(descriptor))
    try check(renkei_fanout_join(descriptor, group))
    _ = readDrops()
    foreign = delivered
    delivered = 0
    try check(renkei_socket_accept(descriptor))
  }

  private static func text(_ message: [CChar]) -> String {
    message.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
  }

  private static func failure(
    _ status: Int32, of handle: OpaquePointer, _ live: LiveConfiguration
  ) -> Failure {
    switch status {
    case PCAP_ERROR_NO_SUCH_DEVICE: return .missing
    case PCAP_ERROR_IFACE_NOT_UP: return .down
    case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
      var path = [CChar](repeating: 0, count: Int(PATH_MAX))
      let length = readlink("/proc/self/exe", &path, path.count - 1)
      return .lasting(
        .notPermitted(interface: live.interface, program: length > 0 ? text(path) : "renkei"))
    default:
      // The message is empty where the status says it all.
      let message = String(cString: pcap_geterr(handle))
      let reason = message.isEmpty ? String(cString: pcap_statustostr(status)) : message
      return .lasting(.badInterface(name: live.interface, reason: reason))
    }
  }

  /// Passes the packets that are there to `sink`, at most `packetsMax`; never waits.
  ///
  /// - Returns: how many these were; nil where libpcap could not go on, which `failureReason` explains.
  /// - Complexity: O(packets); nothing is copied or allocated.
  func dispatch(_ packetsMax: Int32, to sink: inout LiveSink) -> Int? {
    let count = withUnsafeMutablePointer(to: &sink) { pointer in
      pcap_dispatch(
        handle, packetsMax,
        { user, header, bytes in
          // SAFETY: libpcap passes on what it was given, with a packet; the sink outlives the call.
          guard let user, let header, let bytes else { return }
          UnsafeMutableRawPointer(user).assumingMemoryBound(to: LiveSink.self)
            .pointee.take(header.pointee, UnsafeRawPointer(bytes))
        }, UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt8.self))
    }
    return count >= 0 ? Int(count) : nil
  }

  var failureReason: String { String(cString: pcap_geterr(handle)) }

  /// Waits until there may be packets.
  ///
  /// - Returns: false where the time is over.
  func wait(milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, milliseconds) > 0 else { return false }
    // An interface that is down: a look at it is no reason to go round in a circle.
    if request.revents & Int16(POLLIN) == 0 { usleep(UInt32(milliseconds) * 1000) }
    return true
  }

  /// Lets nothing more into the buffer.
  func refuse() { _ = renkei_socket_refuse(descriptor) }

  /// Packets that the kernel, or the interface, had no room for since the last call.
  ///
  /// libpcap's counters have 32 bits. `ps_recv` counts what reached the socket, the dropped ones too.
  mutating func readDrops() -> UInt64 {
    var now = pcap_stat()
    guard pcap_stats(handle, &now) == 0 else { return 0 }
    defer { last = now }
    let dropped = now.ps_drop &- last.ps_drop
    delivered += UInt64(now.ps_recv &- last.ps_recv &- dropped)
    return UInt64(dropped)
      + (countsInterfaceDrops ? UInt64(now.ps_ifdrop &- last.ps_ifdrop) : 0)
  }
}
