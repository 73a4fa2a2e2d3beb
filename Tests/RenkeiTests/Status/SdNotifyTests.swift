import Foundation
import TestSupport
import Testing

@testable import Renkei

/// The service manager's end of the socket.
private final class Manager {
  let path: String
  private let descriptor: Int32

  /// - Parameter path: of a file, or "@" and an abstract name.
  init(path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var name = [UInt8](path.utf8)
    if path.first == "@" { name[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let length = 2 + name.count + (path.first == "@" ? 0 : 1)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(length))
      }
    }
    guard bound == 0 else { throw CocoaError(.fileWriteUnknown) }
  }

  deinit { close(descriptor) }

  /// The next message; nil where there is none.
  var message: String? {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }
}

@Suite struct SdNotifyTests {
  private func exchange(_ manager: Manager) throws {
    let notify = SdNotify(environment: ["NOTIFY_SOCKET": manager.path], pid: 1)
    #expect(notify.ready("capturing from eth0"))
    #expect(manager.message == "READY=1\nSTATUS=capturing from eth0")
    #expect(notify.ready())
    #expect(manager.message == "READY=1")
    #expect(notify.status("two\nlines\r\nMAINPID=1"))
    #expect(manager.message == "STATUS=two lines MAINPID=1")
    #expect(notify.watchdog())
    #expect(manager.message == "WATCHDOG=1")
    #expect(notify.stopping("draining"))
    #expect(manager.message == "STOPPING=1\nSTATUS=draining")
    #expect(notify.extendTimeout(seconds: 1.5))
    #expect(manager.message == "EXTEND_TIMEOUT_USEC=1500000")
    var before = timespec()
    clock_gettime(CLOCK_MONOTONIC, &before)
    #expect(notify.reloading())
    let message = try #require(manager.message)
    let match = try #require(message.wholeMatch(of: /RELOADING=1\nMONOTONIC_USEC=(\d+)/))
    let microseconds = try #require(Int(match.1))
    let elapsed = microseconds - (before.tv_sec * 1_000_000 + before.tv_nsec / 1000)
    #expect((0..<60_000_000).contains(elapsed))
    #expect(manager.message == nil)
  }

  @Test("speaks to a socket with a path")
  func path() throws {
    let folder = try TemporaryDirectory()
    try exchange(Manager(path: folder.path("notify")))
  }

  @Test("speaks to a socket with an abstract name")
  func abstract() throws {
    try exchange(Manager(path: "@renkei-test-\(UUID().uuidString)"))
  }

  @Test("says nothing where nobody waits, and goes on where nobody listens")
  func nobody() throws {
    let folder = try TemporaryDirectory()
    #expect(!SdNotify(environment: [:], pid: 1).ready())
    #expect(!SdNotify(environment: ["NOTIFY_SOCKET": ""], pid: 1).ready())
    #expect(!SdNotify(socketPath: "relative").ready())
    #expect(!SdNotify(socketPath: folder.path("nobody")).ready())
    #expect(!SdNotify(socketPath: "/" + String(repeating: "x", count: 200)).ready())
  }

  @Test("a manager that does not read is not waited for")
  func fullQueue() throws {
    let folder = try TemporaryDirectory()
    let manager = try Manager(path: folder.path("notify"))
    let notify = SdNotify(socketPath: manager.path)
    var sent = 0
    while sent < 100_000, notify.watchdog() { sent += 1 }
    #expect((1..<100_000).contains(sent))
  }

  @Test("the watchdog is for the process it names, or for any")
  func watchdog() {
    func seconds(_ environment: [String: String]) -> Double? {
      SdNotify(environment: environment, pid: 7).watchdogSeconds
    }
    #expect(seconds(["WATCHDOG_USEC": "30000000"]) == 30)
    #expect(seconds(["WATCHDOG_USEC": "500000", "WATCHDOG_PID": "7"]) == 0.5)
    #expect(seconds(["WATCHDOG_USEC": "500000", "WATCHDOG_PID": "8"]) == nil)
    #expect(seconds(["WATCHDOG_USEC": "0"]) == nil)
    #expect(seconds(["WATCHDOG_USEC": "x"]) == nil)
    #expect(seconds([:]) == nil)
  }
}
