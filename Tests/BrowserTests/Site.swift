import Foundation
import Glibc
import ServiceMap
import TestSupport

/// The built command that serves a store, as its user would start it.
final class Site {
  let address: String
  private let process = Process()

  /// - Parameter names: a names file.
  init(store: String, names: String? = nil) throws {
    let port = try Site.freePort()
    address = "http://127.0.0.1:\(port)"
    process.executableURL = URL(fileURLWithPath: Command.renkei)
    process.arguments =
      ["report", "--store", store, "--listen", "\(port)"] + (names.map { ["--names", $0] } ?? [])
    let errors = Pipe()
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    // It says where it is once it answers.
    var said = ""
    while !said.contains("\(address)/") {
      let data = errors.fileHandleForReading.availableData
      guard !data.isEmpty else { throw BrowserError("renkei report --listen: \(said)") }
      said += String(decoding: data, as: UTF8.self)
    }
  }

  deinit {
    process.terminate()
    process.waitUntilExit()
  }

  /// The kernel's choice; that nobody takes it before the service does is likely enough.
  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
      }
    }
    guard status == 0 else { throw BrowserError("no free port") }
    return UInt16(bigEndian: address.sin_port)
  }

  /// Writes the store of a unit: ten minutes of 60 links each.
  static func writeUnit(_ path: String) throws {
    let store = try UnitStore(path: path)
    var unit = SyntheticUnit()
    for _ in 0..<60 { try unit.commit(to: store) }
    store.close()
  }
}
