internal import CPcap

/// The user's filter, compiled by libpcap.
///
/// A filter about IP and what is above runs on the outer IP header and what follows, so that tags,
/// labels and link types make no difference; lengths (`less`, `greater`, `len`) then count from the
/// IP header. A filter about the link layer, and any filter on a frame without IP, runs on the whole
/// frame as in tcpdump(8).
struct PacketFilter: ~Copyable {
  /// The program for packets without their link layer; nil where the filter asks for the latter.
  private let networkProgram: FilterProgram?
  /// That program's instructions: asking the object for them would count references each time.
  private let networkInstructions: UnsafePointer<bpf_insn>?
  /// The programs for whole frames by link type, compiled when the first such frame comes; nil
  /// where libpcap has no such filter for the link type.
  private var frameProgram: [LinkType: FilterProgram?] = [:]
  private let expression: String

  /// - Throws: `CollectorError.badFilter`.
  init(_ expression: String) throws(CollectorError) {
    self.expression = expression
    if !FilterWords.areLinkLevel(expression),
      case .success(let program) = FilterProgram.compile(expression, for: .raw)
    {
      networkProgram = program
      networkInstructions = program.instructions
      return
    }
    networkProgram = nil
    networkInstructions = nil
    // Some filters exist for one link type only, so the common ones are tried before giving up.
    let tried: [LinkType] = [.ethernet, .linuxSLL, .ieee80211, .pppHDLC, .pflog, .sunATM, .raw]
    var firstReason: String?
    for type in tried {
      switch FilterProgram.compile(expression, for: type) {
      case .success: return
      case .failure(let failure): firstReason = firstReason ?? failure.reason
      }
    }
    throw .badFilter(expression: expression, reason: firstReason ?? "libpcap refuses it")
  }

  /// Whether the packet is wanted.
  ///
  /// - Parameter network: where its link layer ends.
  /// - Complexity: O(instructions of the program); allocates only for the first frame of a link type.
  @inline(__always)
  mutating func matches(_ packet: CapturedPacket, _ network: NetworkPacket) -> Bool {
    if let networkInstructions {
      switch network {
      case .ipv4(let bytes), .ipv6(let bytes):
        return FilterProgram.run(networkInstructions, on: bytes)
      case .none: break
      }
    }
    return matchesFrame(packet)
  }

  private mutating func matchesFrame(_ packet: CapturedPacket) -> Bool {
    guard let program = program(for: packet.linkType) else { return false }
    let frame = PacketBytes(
      packet.bytes, captured: packet.capturedLength, original: packet.originalLength)
    return FilterProgram.run(program.instructions, on: frame)
  }

  private mutating func program(for type: LinkType) -> FilterProgram? {
    if let known = frameProgram[type] { return known }
    let program = try? FilterProgram.compile(expression, for: type).get()
    frameProgram[type] = .some(program)
    return program
  }
}

/// Checks a filter before anything starts.
public enum CaptureFilter {
  /// - Throws: `CollectorError.badFilter` with libpcap's message.
  public static func check(_ expression: String) throws {
    if !expression.isEmpty { _ = try PacketFilter(expression) }
  }
}

/// One BPF program.
private final class FilterProgram {
  /// Lives as long as the object.
  let instructions: UnsafePointer<bpf_insn>
  private let program: bpf_program

  struct Failure: Error {
    let reason: String
  }

  private init?(_ program: bpf_program) {
    guard let instructions = program.bf_insns else { return nil }
    self.instructions = UnsafePointer(instructions)
    self.program = program
  }

  deinit {
    var program = program
    pcap_freecode(&program)
  }

  /// pcap_compile(3PCAP) for captures of `type`.
  static func compile(_ expression: String, for type: LinkType) -> Result<FilterProgram, Failure> {
    guard let handle = pcap_open_dead(type.runTimeNumber, 262_144) else {
      return .failure(Failure(reason: "out of memory"))
    }
    defer { pcap_close(handle) }
    var program = bpf_program()
    guard pcap_compile(handle, &program, expression, 1, bpf_u_int32.max) == 0,
      let compiled = FilterProgram(program)
    else {
      return .failure(Failure(reason: String(cString: pcap_geterr(handle))))
    }
    return .success(compiled)
  }

  /// bpf_filter, of which pcap_offline_filter(3PCAP) is a wrapper. It never reads past `captured`,
  /// and its programs cannot loop.
  @inline(__always)
  static func run(_ instructions: UnsafePointer<bpf_insn>, on bytes: PacketBytes) -> Bool {
    let start = bytes.base.assumingMemoryBound(to: UInt8.self)
    return bpf_filter(
      instructions, start, UInt32(clamping: bytes.original), UInt32(clamping: bytes.captured)) != 0
  }
}
