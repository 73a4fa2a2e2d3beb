public import Foundation

/// A network namespace with a pair of interfaces, for tests that capture: what is sent into `outside` comes in at
/// `inside`. It goes with the object.
public final class NetworkNamespace: Sendable {
  public static let inside = "in0"
  public static let outside = "out0"

  public let name: String
  private let directory: TemporaryDirectory

  /// Whether this process may make one. Says so once where it may not.
  public static let isAllowed: Bool = {
    removeLeftovers()
    if (try? NetworkNamespace()) != nil { return true }
    print("no network namespaces here (that takes root): tests of live captures are skipped")
    return false
  }()

  public init() throws {
    directory = try TemporaryDirectory()
    let number = UInt32.random(in: .min ... .max)
    name = "renkei-test-\(getpid())-\(String(number, radix: 16))"
    try NetworkNamespace.ip(["netns", "add", name])
    // Nobody but the test sends anything.
    try run(["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"])
    try addPair()
    try ip("link", "set", "lo", "up")
  }

  deinit { try? NetworkNamespace.ip(["netns", "del", name]) }

  /// Of test processes that were killed.
  private static func removeLeftovers() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
    for name in names {
      let parts = name.split(separator: "-")
      guard parts.count == 4, name.hasPrefix("renkei-test-"), let pid = pid_t(parts[2]) else {
        continue
      }
      if kill(pid, 0) != 0 { try? ip(["netns", "del", name]) }
    }
  }

  /// The pair, both ends up.
  public func addPair() throws {
    let (inside, outside) = (NetworkNamespace.inside, NetworkNamespace.outside)
    try ip("link", "add", inside, "type", "veth", "peer", "name", outside)
    for end in [inside, outside] { try ip("link", "set", end, "up") }
  }

  /// ip(8) in the namespace.
  public func ip(_ arguments: String...) throws {
    try NetworkNamespace.ip(["-n", name] + arguments)
  }

  /// Sends frames, each as it is, and answers when the last one is out.
  public func send(
    _ frames: [[UInt8]], into interface: String = outside, perSecond: Int = 0
  ) throws {
    try startSending(frames, into: interface, perSecond: perSecond).waitForEnd()
  }

  /// - Parameter perSecond: about so many; 0 as fast as it goes.
  public func startSending(
    _ frames: [[UInt8]], into interface: String = outside, perSecond: Int = 0
  ) throws -> Process {
    var file: [UInt8] = []
    for frame in frames {
      file += [UInt8(frame.count & 0xFF), UInt8(frame.count >> 8)]
      file += frame
    }
    let path = try directory.write(file, to: UUID().uuidString)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["ip", "netns", "exec", name, "python3", "-c", NetworkNamespace.sender]
      + [interface, path, "\(perSecond)"]
    try process.run()
    return process
  }

  private static let sender = """
    import socket, struct, sys, time
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((sys.argv[1], 0))
    data, rate, at, sent = open(sys.argv[2], "rb").read(), int(sys.argv[3]), 0, 0
    began = time.monotonic()
    while at < len(data):
        length, = struct.unpack_from("<H", data, at)
        out.send(data[at + 2:at + 2 + length])
        at += 2 + length
        sent += 1
        if rate and sent % 100 == 0:
            time.sleep(max(0, began + sent / rate - time.monotonic()))
    """

  /// What starts a command in the namespace.
  public var prefix: [String] { ["ip", "netns", "exec", name] }

  private func run(_ arguments: [String]) throws {
    try NetworkNamespace.check(prefix + arguments)
  }

  private static func ip(_ arguments: [String]) throws { try check(["ip"] + arguments) }

  private static func check(_ arguments: [String]) throws {
    let result = try Command.run("/usr/bin/env", arguments, limitSeconds: 20)
    guard result.status == 0 else {
      throw NamespaceError(description: "\(arguments.joined(separator: " ")): \(result.errors)")
    }
  }
}

extension Process {
  /// Waits for its end.
  public func waitForEnd() {
    while isRunning { usleep(2_000) }
  }
}

struct NamespaceError: Error, CustomStringConvertible {
  let description: String
}
