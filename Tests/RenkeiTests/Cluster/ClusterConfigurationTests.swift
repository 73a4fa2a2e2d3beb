import Cluster
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Renkei

@Suite struct ClusterConfigurationTests {
  private let whole = """
    cluster:
      servers: [tls://nats-1:4222, "tls://[2001:db8::1]:4222"]
      name: core-1
      shards: 32
      user: collector
      password-file: /etc/renkei/nats.password
      ca: /etc/renkei/tls/ca.pem
      certificate: /etc/renkei/tls/collector.pem
      key: /etc/renkei/tls/collector.key
      spool: { path: /var/spool/renkei, bytes-max: 2G }
    interfaces: [eth0]
    pipeline: { ringBytes: 32MiB }
    """

  private func problems(_ text: String) -> [String] {
    do throws(ConfigurationError) {
      _ = try ClusterConfiguration.parse(text)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test("every key, and what is the unit's")
  func reads() throws {
    let found = try ClusterConfiguration.parse(whole)
    #expect(found.name == "core-1" && found.cluster.shards == 32)
    #expect(found.cluster.servers.count == 2)
    #expect(found.cluster.spoolPath == "/var/spool/renkei")
    #expect(found.cluster.spoolBytesMax == 2 << 30)
    #expect(found.unit.interfaces.map(\.name) == ["eth0"])
    #expect(found.unit.pipeline.ringBytes == 32 << 20)
    let link = found.link(role: "collector")
    #expect(link.user == "collector" && link.passwordFile == "/etc/renkei/nats.password")
    #expect(link.caFile != nil && link.certificateFile != nil && link.keyFile != nil)
    #expect(ClusterConfiguration.isOne(whole) && !ClusterConfiguration.isOne("filter: cluster"))
    // What is printed is the same again.
    let printed = try ClusterConfiguration.parse(found.clusterYAML + found.unit.yaml)
    #expect(printed == found)
  }

  @Test("without a name it is the host's, as a subject can have it")
  func hostName() throws {
    #expect(ClusterConfiguration.hostName("box-1.example.org") == "box-1-example-org")
    #expect(ClusterConfiguration.hostName("") == "renkei")
    #expect(ClusterConfiguration.hostName(String(repeating: "é", count: 40)).count == 32)
    let found = try ClusterConfiguration.parse("cluster: { servers: [nats://127.0.0.1] }")
    #expect(!found.name.isEmpty && found.cluster.shards == 16)
  }

  @Test(
    "what is wrong is named, by line, with the key that was meant",
    arguments: [
      ("interfaces: [eth0]", "no section cluster"),
      ("cluster: { shards: 16 }", "cluster.servers: none"),
      ("cluster:\n  servers: [tls://a:1]\n  shard: 4", "line 3: unknown key \"cluster.shard\""),
      (
        "cluster:\n  servers: [tls://a:1]\n  shards: 12", "line 3: cluster.shards: expected a power"
      ),
      ("cluster:\n  servers: [http://a:1]", "expected tls://HOST:PORT"),
      ("cluster:\n  servers: [tls://me:secret@a:1]", "expected tls://HOST:PORT"),
      ("cluster:\n  servers: [tls://a:1]\n  name: a.b", "line 3: cluster.name: expected letters"),
      ("cluster:\n  servers: [tls://a:1]\n  password: x", "password-file"),
      ("cluster:\n  servers: [tls://a:1]\n  user: x", "go together"),
      ("cluster:\n  servers: [tls://a:1]\n  key: x", "go together"),
      ("cluster:\n  servers: [tls://a:1]\n  spool: { bytesMax: 1G }", "spool.bytes-max"),
      ("cluster:\n  servers: [tls://a:1]\n  spool: { bytes-max: 1k }", "expected a size"),
      ("clusters: 1", "nearest is \"cluster\""),
    ])
  func wrong(text: String, expected: String) {
    let found = problems(text)
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }

  @Test("a secret that everybody may read is refused")
  func secrets() throws {
    let folder = try TemporaryDirectory()
    let password = try folder.write(Array("secret\n".utf8), to: "password")
    let text = """
      cluster:
        servers: [tls://a:4222]
        user: me
        password-file: \(password)
      """
    let path = try folder.write(Array(text.utf8), to: "cluster.yaml")
    chmod(password, 0o644)
    #expect(throws: ConfigurationError.self) { try ClusterConfiguration.load(path: path) }
    let check = try Command.run(["check", "-c", path])
    #expect(check.status == 1 && check.errors.contains("chmod 0640"))
    chmod(password, 0o640)
    #expect(try ClusterConfiguration.load(path: path).cluster.user == "me")
    #expect(try Command.run(["check", "-c", path]).status == 0)
  }

  @Test("the examples are right", arguments: ["collector", "tracker", "merger", "reporter"])
  func examples(name: String) throws {
    let bytes = try TemporaryDirectory.read("\(Command.root)/cluster/\(name).yaml")
    let text = String(decoding: bytes, as: UTF8.self)
    let found = try ClusterConfiguration.parse(text)
    #expect(found.cluster.servers.allSatisfy { $0.hasPrefix("tls://") })
    #expect(found.cluster.ca != nil && found.cluster.passwordFile != nil)
  }
}
