/// What the user asked for on the command line.
struct Options {
  /// Which ports services have.
  enum Profile: String {
    /// Those of an enterprise.
    case enterprise
    /// All random above 20000.
    case highPorts = "highports"
    /// A SYN scan of all ports of 256 hosts, over traffic as in `enterprise`; so are the next three.
    case scan
    /// SYNs from spoofed sources to a few services, and what comes of them.
    case synFlood = "synflood"
    /// Only what the victims of such a flood send to the spoofed sources.
    case backscatter
    /// Bare ACKs to all ports of 256 hosts.
    case ackScan = "ackscan"

    /// True for the profiles in which nine packets in ten are hostile.
    var isAttack: Bool {
      self != .enterprise && self != .highPorts
    }
  }

  /// What is written.
  enum Format: String {
    /// A capture.
    case pcap
    /// What a collector makes of one, for whoever measures the stages behind it.
    case records
  }

  /// Packets that the network carries; sampling and one-way capture write fewer of them.
  private(set) var packetCount = 1_000_000
  /// The seed. The same seed and options give the same file.
  private(set) var seed: UInt64 = 1
  /// Which ports services have.
  private(set) var profile = Profile.enterprise
  /// Begin every TCP session after its handshake, and half of the UDP sessions after one packet.
  private(set) var isMidStream = false
  /// Write one direction of each session only.
  private(set) var isOneWay = false
  /// Keep each packet with a probability of one in this many.
  private(set) var samplingInterval: UInt32 = 1
  /// Packets that are written twice, in percent.
  private(set) var duplicatePercent: UInt32 = 0
  /// Sessions over IPv6, in percent.
  private(set) var ipv6Percent: UInt32 = 0
  /// Sessions in VLAN-tagged frames, in percent.
  private(set) var vlanPercent: UInt32 = 0
  /// Sessions that the packets make up, about, if given.
  private(set) var sessionCount: Int?
  /// Length of the run in days with their hours, if given.
  private(set) var days: Int?
  /// What is written.
  private(set) var format = Format.pcap
  /// Octets of a frame that are kept, if given.
  private var snapLengthGiven: Int?
  /// The capture file; `-` for standard output.
  private(set) var outputPath = ""
  /// The truth file, if one is wanted.
  private(set) var truthPath: String?
  /// The user wants the help text only.
  private(set) var wantsHelp = false

  /// Packets of the ordinary traffic; the rest of `packetCount` is an attack.
  var ordinaryPacketCount: Int {
    profile.isAttack ? packetCount / 10 : packetCount
  }

  /// Octets of a frame that are kept. 64 hold all headers of IPv4; with IPv6 the TCP flags would be
  /// cut off, hence 96 unless the user says otherwise.
  var snapLength: Int {
    snapLengthGiven ?? (ipv6Percent > 0 ? 96 : 64)
  }

  /// Reads the arguments, without the program's name.
  ///
  /// - Throws: `GeneratorError.usage`.
  init(_ arguments: [String]) throws(GeneratorError) {
    var rest = arguments[...]
    while let option = rest.popFirst() {
      switch option {
      case "--midstream": isMidStream = true
      case "--one-way": isOneWay = true
      case "-h", "--help": wantsHelp = true
      default:
        guard Options.takingValues.contains(option) else {
          throw GeneratorError.usage("unknown option \(option)")
        }
        guard let value = rest.popFirst() else {
          throw GeneratorError.usage("\(option) needs a value")
        }
        try set(option, to: value)
      }
    }
    if format == .records, ipv6Percent > 0 || duplicatePercent > 0 {
      throw GeneratorError.usage("--format records goes with neither --ipv6 nor --duplicate")
    }
    if outputPath.isEmpty, !wantsHelp { throw GeneratorError.usage("-o FILE is missing") }
  }

  /// The help text.
  static let help = """
    usage: renkei-generate --packets N --seed N [option...] -o out.pcap

    Writes a made-up packet capture, headers only, and who served whom in it.

      --packets N        packets the network carries (default 1000000)
      --seed N           the same seed gives the same file (default 1)
      --profile NAME     enterprise (default), or highports: all ports random above 20000;
                         scan, synflood, backscatter, ackscan: nine packets in ten are that
                         attack, and a scan ends after 65,536 ports of 256 hosts
      --midstream        TCP sessions begin without a handshake
      --one-way          one direction of each session only
      --sample N         keep each packet with probability 1/N
      --duplicate PERCENT  packets written twice, as by a mirror port of both directions; these
                         copies count neither as packets of --packets nor in the truth
      --ipv6 PERCENT     sessions over IPv6
      --vlan PERCENT     sessions in tagged frames
      --sessions N       so many sessions, about, of whatever size the packets then give them
      --days N           so many days with their busy hours and weekends; --packets then says how
                         busy they are, and the last day ends the run
      --format NAME      pcap (default), or records: 25 octets a packet, see README.md
      --snaplen BYTES    captured octets a frame (default 64; 96 with --ipv6)
      -o FILE            the capture; - for standard output
      --truth FILE       who served whom, tab-separated
    """

  /// Options that take a value.
  private static let takingValues = [
    "--packets", "--seed", "--profile", "--sample", "--duplicate", "--ipv6", "--vlan", "--snaplen",
    "-o", "--truth", "--sessions", "--days", "--format",
  ]

  /// Sets an option that takes a value.
  private mutating func set(_ option: String, to value: String) throws(GeneratorError) {
    switch option {
    case "--packets":
      packetCount = Int(try Options.number(option, value, 1...100_000_000_000))
    case "--seed": seed = try Options.number(option, value, 0...UInt64.max)
    case "--sample":
      samplingInterval = UInt32(try Options.number(option, value, 1...1_000_000_000))
    case "--duplicate":
      duplicatePercent = UInt32(try Options.number(option, value, 0...100))
    case "--ipv6": ipv6Percent = UInt32(try Options.number(option, value, 0...100))
    case "--vlan": vlanPercent = UInt32(try Options.number(option, value, 0...100))
    case "--sessions": sessionCount = Int(try Options.number(option, value, 1...100_000_000))
    case "--days": days = Int(try Options.number(option, value, 1...45))
    case "--format":
      guard let format = Format(rawValue: value) else {
        throw GeneratorError.usage("--format is pcap or records, not \(value)")
      }
      self.format = format
    case "--snaplen": snapLengthGiven = Int(try Options.number(option, value, 14...65_535))
    case "--profile":
      guard let profile = Profile(rawValue: value) else {
        throw GeneratorError.usage(
          "--profile is enterprise, highports, scan, synflood, backscatter or ackscan, not \(value)"
        )
      }
      self.profile = profile
    case "-o": outputPath = value
    default: truthPath = value
    }
  }

  /// Reads a number within bounds.
  private static func number(
    _ option: String, _ value: String, _ bounds: ClosedRange<UInt64>
  ) throws(GeneratorError) -> UInt64 {
    guard let number = UInt64(value), bounds.contains(number) else {
      throw GeneratorError.usage(
        "\(option) is a number from \(bounds.lowerBound) to \(bounds.upperBound), not \(value)")
    }
    return number
  }
}
