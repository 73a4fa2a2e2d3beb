import Cluster
import Foundation
import TestSupport
import Testing

extension WithServers {
  /// The configurations in cluster/ with a real server: who gets in, and who may do what.
  @Suite(.enabled(if: LabCertificates.isInstalled)) struct NATSPermissionTests {
    private static let limits = {
      var limits = ClusterLimits()
      limits.replicas = 1
      limits.shards = 4
      limits.recordsBytesMax = 100 << 20
      limits.epochsBytesMax = 100 << 20
      return limits
    }()

    private func link(_ settings: NATSSettings) throws -> NATSLink {
      let link = NATSLink(settings)
      try link.connect(withinSeconds: 10)
      return link
    }

    /// Why that one does not get in.
    private func refusal(_ settings: NATSSettings) -> String {
      do {
        try NATSLink(settings).connect(withinSeconds: 10)
        return "connected"
      } catch ClusterError.refused(let why) {
        return why
      } catch ClusterError.misconfigured(let why) {
        return why
      } catch {
        return "\(error)"
      }
    }

    @Test("says in plain words why it is refused") func refusals() throws {
      let lab = try LabCertificates(expired: "merger")
      let strangers = try LabCertificates()
      let server = try lab.server()
      let good = lab.settings("tracker", port: server.port)
      #expect(refusal(good) == "connected")

      var settings = good
      settings.passwordFile = lab.directory.path("merger.password")
      #expect(refusal(settings).contains("the user or the password is wrong"))
      settings = good
      settings.user = "nobody"
      #expect(refusal(settings).contains("the user or the password is wrong"))
      settings.passwordFile = lab.directory.path("none.password")
      #expect(refusal(settings).contains("none.password"))

      settings = good
      settings.caFile = strangers.directory.path("tls/ca.pem")
      #expect(refusal(settings).contains("an authority that is not known"))
      settings = good
      settings.certificateFile = strangers.directory.path("tls/tracker.pem")
      settings.keyFile = strangers.directory.path("tls/tracker.key")
      #expect(refusal(settings).contains("the server does not take our certificate"))
      #expect(refusal(lab.settings("merger", port: server.port)).contains("merger.pem has expired"))
      settings = good
      settings.certificateFile = nil
      settings.keyFile = nil
      #expect(refusal(settings).contains("the server wants a certificate, and none is set"))
      settings = good
      settings.servers = ["tls://127.0.0.2:\(server.port)"]
      #expect(refusal(settings) != "connected")
      settings.servers = ["tls://127.0.0.1:\(server.port)"]
      #expect(refusal(settings) == "connected")
      settings.caFile = nil
      settings.certificateFile = nil
      settings.servers = ["nats://127.0.0.1:\(server.port)"]
      #expect(refusal(settings).contains("an authority that is not known"))
    }

    @Test("a server whose certificate has expired is not trusted") func expiredServer() throws {
      let lab = try LabCertificates(expired: "nats-1")
      let server = try lab.server()
      let why = refusal(lab.settings("tracker", port: server.port))
      #expect(why.contains("the server's certificate has expired"))
    }

    @Test("each role may do its own work, and nothing else") func permissions() throws {
      let lab = try LabCertificates()
      let server = try lab.server()
      let admin = try link(lab.settings("admin", port: server.port))
      let steps = try ClusterSetup(NATSPermissionTests.limits, on: admin).run(update: false)
      #expect(steps.allSatisfy { $0.outcome == .made } && steps.count == 5)

      let collector = try link(lab.settings("collector-a", port: server.port))
      func entry(_ subject: String) -> LogEntry {
        LogEntry(subject: subject, id: "\(UInt64.random(in: 0 ... .max))", payload: [1])
      }
      #expect(try ClusterLayout.read(from: collector).shards == 4)
      #expect(try collector.store([entry("renkei.records.a.1")]) == nil)
      try collector.put([1], for: "collector.a", in: .status)
      #expect(isRefused { _ = try collector.store([entry("renkei.records.b.1")]) })
      #expect(isRefused { _ = try collector.store([entry("renkei.epochs.1")]) })
      #expect(isRefused { _ = try collector.store(entry("renkei.epochs.1"), after: 0) })
      #expect(
        isRefused { _ = try collector.reader(of: "renkei.records.*.1", in: .records, from: 1) })
      #expect(isRefused { try collector.forget(.records, upTo: 1) })
      #expect(isRefused { try collector.put([1], for: "collector.b", in: .status) })
      #expect(isRefused { try collector.put([1], for: "assignment", in: .cluster) })
      #expect(collector.violations.keys.contains { $0.contains("renkei.records.b.1") })
      #expect(collector.violations.values.reduce(0, +) >= 7)
      #expect(try collector.store([entry("renkei.records.a.1")]) == nil)

      let tracker = try link(lab.settings("tracker", port: server.port))
      let records = try tracker.reader(of: "renkei.records.*.1", in: .records, from: 1)
      #expect(try records.some(2).count == 2)
      let last = try tracker.store(entry("renkei.epochs.1"), after: 0)
      #expect(try tracker.last(of: "renkei.epochs.1", in: .epochs)?.sequence == last)
      try tracker.update([1], for: "assignment", in: .cluster, revision: 0)
      try tracker.put([1], for: "tracker.t", in: .status)
      #expect(try tracker.all("", in: .status).count == 2)
      #expect(isRefused { _ = try tracker.store([entry("renkei.records.a.1")]) })
      #expect(isRefused { try tracker.forget(.epochs, upTo: 1) })
      #expect(isRefused { try tracker.put([1], for: "layout", in: .cluster) })

      let merger = try link(lab.settings("merger", port: server.port))
      let epochs = try merger.reader(of: ClusterSubject.epochs, in: .epochs, from: 1)
      #expect(try epochs.some(1).count == 1)
      try merger.put([1], for: "watermark.m", in: .cluster)
      try merger.put([1], for: "merger.m", in: .status)
      try merger.forget(.epochs, upTo: last)
      try merger.forget(.records, upTo: 1)
      #expect(try merger.state(of: .records).messages == 1)
      #expect(isRefused { _ = try merger.store(entry("renkei.epochs.1"), after: 0) })

      let reporter = try link(lab.settings("reporter", port: server.port))
      #expect(try reporter.all("", in: .status).count == 3)
      #expect(isRefused { _ = try reporter.get("layout", in: .cluster) })
      #expect(isRefused { try reporter.put([1], for: "tracker.t", in: .status) })

      // Again, nothing is to be done; otherwise, it says what differs.
      let again = try ClusterSetup(NATSPermissionTests.limits, on: admin).run(update: false)
      #expect(again.allSatisfy { $0.outcome == .asItShouldBe })
      var other = NATSPermissionTests.limits
      other.shards = 8
      other.recordsBytesMax = 200 << 20
      let differing = try ClusterSetup(other, on: admin).run(update: false)
      #expect(differing[0].outcome == .differs(["max_bytes 104857600, not 209715200"]))
      #expect(differing[4].outcome == .differs(["4 shards, not 8"]))
      let updated = try ClusterSetup(other, on: admin).run(update: true)
      #expect(updated[0].outcome == .updated(["max_bytes 104857600, not 209715200"]))
      #expect(updated[4].outcome == .differs(["4 shards, not 8"]))
      other.recordsBytesMax = 300 << 20
      #expect(isRefused { _ = try ClusterSetup(other, on: tracker).run(update: true) })
    }

    @Test("a key instead of a password") func key() throws {
      // Of this test alone.
      let seed = "SUAJ6BRY4GBCVFQMDLUWNADR25NI7MWSX7KYXJHGDOVSZISUF7CFJFPIBY"
      let key = "UBPDV575JEDBLAYEZUUQ4VHN6SCYIITJOLXE7WJFA4EGN366GE22NGOF"
      let server = try NATSServer("authorization { users: [ { nkey: \(key) } ] }")
      let directory = try TemporaryDirectory()
      var settings = NATSSettings(servers: [server.url], name: "test")
      #expect(refusal(settings).contains("the user or the password is wrong"))
      settings.seedFile = try directory.write("\(seed)\n\(key)\n".utf8, to: "seed")
      #expect(refusal(settings) == "connected")
      settings.seedFile = try directory.write("\(seed)\n".utf8, to: "no-key")
      #expect(refusal(settings).contains("public key"))
    }

    @Test("three servers by their template") func three() throws {
      let lab = try LabCertificates(nodes: (1...3).map { "nats-\($0),localhost,127.0.0.1" })
      let servers = try lab.threeServers()
      var settings = lab.settings("admin", port: servers[0].port)
      settings.servers = servers.map { "tls://localhost:\($0.port)" }
      let admin = try link(settings)
      var limits = NATSPermissionTests.limits
      limits.replicas = 3
      let steps = try ClusterSetup(limits, on: admin).run(update: false)
      #expect(steps.allSatisfy { $0.outcome == .made })
      let streams = try ClusterInspection.streams(of: admin)
      #expect(streams.allSatisfy { $0.replicas == 3 && $0.leader?.hasPrefix("nats-") == true })
      let collector = try link(lab.settings("collector-b", port: servers[2].port))
      let entry = LogEntry(subject: "renkei.records.b.1", id: "1", payload: [1])
      #expect(try collector.store([entry]) == nil)
      #expect(try admin.state(of: .records).messages == 1)
    }

    private func isRefused(_ body: () throws -> Void) -> Bool {
      do {
        try body()
        return false
      } catch ClusterError.refused {
        return true
      } catch {
        Issue.record("\(error)")
        return false
      }
    }
  }
}
