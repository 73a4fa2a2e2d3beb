import Cluster
import Foundation
import TestSupport
import Testing

extension WithServers {
  /// What becomes of a link when servers die.
  @Suite(.enabled(if: NATSServer.isInstalled)) struct NATSFailureTests {
    private func entries(_ numbers: ClosedRange<Int>, shards: Int = 4) -> [LogEntry] {
      numbers.map {
        LogEntry(
          subject: "renkei.records.p.\($0 % shards)", id: "p.\($0)", payload: Array("\($0)".utf8))
      }
    }

    private func until(_ limitSeconds: Double, _ body: () throws -> Bool) rethrows -> Bool {
      let end = Date(timeIntervalSinceNow: limitSeconds)
      while Date() < end {
        if try body() { return true }
        usleep(20_000)
      }
      return false
    }

    /// Stores what remains until all of it is stored.
    private func storeAll(_ log: any ClusterLog, _ entries: [LogEntry], limitSeconds: Double = 40)
      throws -> Bool
    {
      var rest = entries
      return try until(limitSeconds) {
        guard let places = try log.store(rest) else { return true }
        rest = places.map { rest[$0] }
        return false
      }
    }

    @Test("a server killed and started again: nothing twice, nothing left out") func killed() throws
    {
      let server = try NATSServer()
      try server.setUp()
      let (writer, log) = (try server.client(), try server.client())
      let reader = try log.reader(of: "renkei.records.*.*", in: .records, from: 1)
      #expect(try writer.store(entries(1...40)) == nil)
      #expect(try reader.some(25).count == 25)
      server.kill()
      #expect(until(5) { !writer.isConnected && !log.isConnected })
      #expect(try writer.store(entries(41...60)) == Array(0..<20))
      #expect(throws: ClusterError.self) { try writer.state(of: .records) }
      let end = Date(timeIntervalSinceNow: 0.5)
      while Date() < end { _ = try reader.poll() }
      #expect(writer.disconnects >= 1 && writer.lastDisconnect != nil)
      try server.start()
      #expect(try storeAll(writer, entries(30...60)))
      #expect(try writer.state(of: .records).messages == 60)
      // Each link comes back by itself, at a moment of its own.
      try log.connect(withinSeconds: 10)
      let all = try texts(log, count: 60)
      #expect(all.count == 60 && Set(all).count == 60)
      // Of each subject in the order of their storing.
      for shard in 0..<4 {
        let ofShard = all.compactMap { Int($0) }.filter { $0 % 4 == shard }
        #expect(ofShard == ofShard.sorted())
      }
    }

    private func texts(_ log: any ClusterLog, count: Int) throws -> [String] {
      try log.reader(of: "renkei.records.*.*", in: .records, from: 1).some(count, limitSeconds: 20)
    }

    @Test("a reader goes on where it was when its server was killed") func reader() throws {
      let server = try NATSServer()
      try server.setUp()
      let (writer, log) = (try server.client(), try server.client())
      #expect(try writer.store(entries(1...40)) == nil)
      let reader = try log.reader(of: "renkei.records.*.*", in: .records, from: 1)
      var found = try reader.some(25)
      server.kill()
      found += try reader.some(20, limitSeconds: 1)
      #expect(!reader.isAtEnd)
      try server.start()
      #expect(try storeAll(writer, entries(41...50)))
      found += try reader.some(50 - found.count, limitSeconds: 20)
      #expect(found.count == 50 && Set(found).count == 50)
      #expect(try until(5) { try reader.poll() == nil && reader.isAtEnd })
      #expect(reader.pending == 0)
    }

    @Test("a server that answers no more is noticed within seconds, and no call waits longer")
    func frozen() throws {
      let server = try NATSServer()
      try server.setUp()
      let log = try server.client()
      server.freeze()
      usleep(100_000)
      defer { server.thaw() }
      let began = Date()
      let places = try log.store(entries(1...3))
      #expect(places == [0, 1, 2])
      #expect(throws: ClusterError.self) {
        try log.store(LogEntry(subject: "renkei.epochs.1", id: "x", payload: []), after: 0)
      }
      #expect(-began.timeIntervalSinceNow < 12)
      #expect(until(6) { !log.isConnected })
      server.thaw()
      #expect(try storeAll(log, entries(1...3)))
      #expect(try log.state(of: .records).messages == 3)
    }

    @Test("what is full says so, and takes again when something is forgotten") func full() throws {
      let server = try NATSServer()
      var limits = ClusterLimits()
      limits.replicas = 1
      limits.recordsBytesMax = 10_000
      limits.epochsBytesMax = 10_000
      let log = try server.client()
      _ = try ClusterSetup(limits, on: log).run(update: false)
      let large = (1...20).map {
        LogEntry(
          subject: "renkei.records.p.\($0)", id: "l.\($0)",
          payload: .init(repeating: 1, count: 1000))
      }
      #expect {
        try log.store(large)
      } throws: { error in
        if case ClusterError.full = error { true } else { false }
      }
      try log.forget(.records, upTo: try log.state(of: .records).lastSequence)
      #expect(try log.store([large[19]]) == nil)
    }

    @Test("no cluster set up, no server at all") func absent() throws {
      let server = try NATSServer()
      let log = try server.client()
      #expect {
        try log.reader(of: "renkei.records.*.1", in: .records, from: 1)
      } throws: { error in
        if case ClusterError.misconfigured = error { true } else { false }
      }
      let nowhere = NATSLink(
        NATSSettings(servers: ["nats://127.0.0.1:\(try NATSServer.freePort())"], name: "test"))
      #expect {
        try nowhere.connect(withinSeconds: 1)
      } throws: { error in
        if case ClusterError.unreachable = error { true } else { false }
      }
    }

    @Test("three servers: the leader is killed in the midst of it") func leader() throws {
      let servers = try NATSServer.three()
      let urls = servers.map(\.url)
      let (writer, log) = (
        try servers[0].client { $0.servers = urls }, try servers[0].client { $0.servers = urls }
      )
      var limits = ClusterLimits()
      limits.recordsBytesMax = 100 << 20
      limits.epochsBytesMax = 100 << 20
      _ = try ClusterSetup(limits, on: writer).run(update: false)
      #expect(try storeAll(writer, entries(1...100)))
      let reader = try log.reader(of: "renkei.records.*.*", in: .records, from: 1)
      var found = try reader.some(50)
      let leader = try ClusterInspection.streams(of: writer)[0].leader
      let place = try #require(servers.indices.first { "n\($0)" == leader })
      let other = servers[(place + 1) % 3]
      // Stored while it dies.
      let killer = Thread {
        usleep(30_000)
        servers[place].kill()
      }
      killer.start()
      #expect(try storeAll(writer, entries(101...400)))
      found += try reader.some(400 - found.count, limitSeconds: 30)
      #expect(found.count == 400 && Set(found).count == 400)
      for shard in 0..<4 {
        let ofShard = found.compactMap { Int($0) }.filter { $0 % 4 == shard }
        #expect(ofShard == ofShard.sorted())
      }
      // Compare and swap, with two of three.
      let epochs = try other.client()
      var last: UInt64?
      #expect(
        try until(20) {
          do {
            last = try epochs.store(
              LogEntry(subject: "renkei.epochs.1", id: "e.1", payload: [1]), after: 0)
            return true
          } catch ClusterError.unreachable {
            return false
          }
        })
      #expect(throws: ClusterError.superseded) {
        try epochs.store(LogEntry(subject: "renkei.epochs.1", id: "f.1", payload: [1]), after: 0)
      }
      #expect(try epochs.last(of: "renkei.epochs.1", in: .epochs)?.sequence == last)
    }
  }
}
