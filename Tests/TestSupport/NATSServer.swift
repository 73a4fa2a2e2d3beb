internal import Foundation
internal import Glibc

/// A nats-server of one test, or several that are one cluster, with JetStream in a temporary directory; it is killed with
/// the object.
public final class NATSServer: @unchecked Sendable {
  // @unchecked Sendable because `process` is used by the test's thread alone.
  public static var isInstalled: Bool { Tool("nats-server").isInstalled }

  public let port: Int
  private let directory: TemporaryDirectory
  private var process: Process?

  /// `nats://127.0.0.1:port`.
  public var url: String { "nats://127.0.0.1:\(port)" }

  /// - Parameter configuration: what is added to that of a plain server; `DIR` stands for its directory.
  public convenience init(_ configuration: String = "") throws {
    try self.init(port: NATSServer.freePort(), configuration)
  }

  public init(port: Int, name: String = "one", _ configuration: String) throws {
    self.port = port
    directory = try TemporaryDirectory()
    let text = """
      port: \(port)
      server_name: \(name)
      max_payload: 8MB
      jetstream { store_dir: "DIR/jetstream", max_mem: 64MB, max_file: 2GB }
      \(configuration)
      """.replacingOccurrences(of: "DIR", with: directory.path)
    _ = try directory.write(text.utf8, to: "nats.conf")
    try start()
  }

  /// A server of a directory with a nats.conf.
  public init(in directory: TemporaryDirectory, port: Int) throws {
    self.port = port
    self.directory = directory
    try start()
  }

  /// Three servers of one cluster.
  public static func three() throws -> [NATSServer] {
    let ports = try (0..<6).map { _ in try freePort() }
    let routes = ports[3...].map { "nats-route://127.0.0.1:\($0)" }.joined(separator: ", ")
    return try (0..<3).map { place in
      try NATSServer(
        port: ports[place], name: "n\(place)",
        """
        cluster { name: test, listen: "127.0.0.1:\(ports[place + 3])", routes: [\(routes)] }
        """)
    }
  }

  deinit { kill() }

  /// A port that nobody listens on now.
  public static func freePort() throws -> Int {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) | getsockname(socket, $0, &length)
      }
    }
    guard status == 0 else { throw CocoaError(.executableLoad) }
    return Int(UInt16(bigEndian: address.sin_port))
  }

  /// Starts it, again with what it had stored, and waits until it listens.
  public func start() throws {
    let process = Process()
    guard let path = Tool("nats-server").path else { throw CocoaError(.fileNoSuchFile) }
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-c", directory.path("nats.conf"), "-l", directory.path("log")]
    // Paths in configurations are relative to it.
    process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    self.process = process
    let end = Date(timeIntervalSinceNow: 20)
    while !isListening {
      guard process.isRunning, Date() < end else { throw CocoaError(.executableLoad) }
      usleep(20_000)
    }
  }

  private var isListening: Bool {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }

  /// `kill -9`.
  public func kill() { send(SIGKILL, andWait: true) }
  /// So that nothing answers, while connections stay open.
  public func freeze() { send(SIGSTOP, andWait: false) }
  public func thaw() { send(SIGCONT, andWait: false) }

  private func send(_ signal: Int32, andWait: Bool) {
    guard let process, process.isRunning else { return }
    Glibc.kill(process.processIdentifier, signal)
    if andWait { process.waitUntilExit() }
  }

  /// What it has logged.
  public var log: String {
    (try? String(contentsOfFile: directory.path("log"), encoding: .utf8)) ?? ""
  }
}
