import Cluster
import Foundation
import Reporter
import TestSupport
import Testing

@testable import Renkei

@Suite struct ClusterStatusTextTests {
  static let sample: ClusterCondition = {
    var condition = ClusterCondition()
    condition.shards = 4
    condition.streams = [
      .init(
        name: "RENKEI_RECORDS", messages: 12_345, bytes: 5 << 30, bytesMax: 20 << 30,
        firstSequence: 1, lastSequence: 12_345, replicas: 3, leader: "nats-1", replicasCurrent: 2,
        behind: 17, replicasLost: ["nats-3"])
    ]
    func member(
      _ role: ProcessStatus.Role, _ name: String, isAlive: Bool = true,
      _ change: (inout ProcessStatus) -> Void
    ) {
      var status = ProcessStatus(
        role: role, name: name, host: "box-1", pid: 7, version: "1", incarnation: 1, atSeconds: 1)
      change(&status)
      condition.members.append(
        .init(status: status, isAlive: isAlive, isEnded: false, lagSeconds: 1.5))
    }
    member(.collector, "core-1") {
      $0.collector = .init()
      $0.collector?.captured = 1_000_000
      $0.collector?.records = 990_000
      $0.collector?.spoolBytes = 3 << 20
    }
    member(.tracker, "t1") {
      $0.tracker = .init()
      $0.tracker?.shards = [0, 1, 3].map { .init(shard: $0) }
      $0.refused = ["brokenChecksum": 2]
    }
    member(.tracker, "evil\u{1B}[2J", isAlive: false) { $0.tracker = .init() }
    member(.merger, "m1") {
      $0.merger = .init()
      $0.merger?.captured = 1_000_000
      $0.merger?.mapped = 900_000
      $0.merger?.inPipeline = 50_000
      $0.merger?.accounting = ["mapped": 960_000, "notIP": 40_000, "seenElsewhere": 10_000]
    }
    condition.shardsWithoutOwner = [2]
    condition.refused = ["brokenChecksum": ["tracker t1": 2]]
    condition.judge()
    return condition
  }()

  @Test("tables, the balance, and what is wrong") func text() {
    let text = ClusterStatusText(ClusterStatusTextTests.sample, language: .en).text
    for part in [
      "RENKEI_RECORDS", "nats-1", "2/3", "core-1", "1,000,000", "990,000", "0–1, 3", "1.50 s",
      "1,000,000 = 900,000 in the map + 50,000 on the way + 50,000 with a reason",
      "seen elsewhere", "the replica on nats-3 is behind or gone", "No tracker owns: shard 2.",
      "tracker t1: brokenChecksum: 2 messages refused.", "4 things are wrong",
    ] {
      #expect(text.contains(part), "\(part)\n\(text)")
    }
    #expect(!text.contains("\u{1B}"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
  }

  @Test("both languages have everything", arguments: [ReportLanguage.en, .ja])
  func languages(_ language: ReportLanguage) {
    let phrases = Phrases(language, of: ClusterPhrases.rows)
    for kind in ClusterCondition.Problem.Kind.allCases {
      let key = "problem.\(kind.rawValue)"
      #expect(phrases[key] != key)
    }
    let text = ClusterStatusText(ClusterStatusTextTests.sample, language: language).text
    for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
      let isKey = ["title.", "stream.", "member.", "problem.", "state.", "balance."].contains {
        word.hasPrefix($0)
      }
      #expect(!isKey, "\(word)")
    }
  }
}

@Suite(.enabled(if: NATSServer.isInstalled)) struct ClusterCommandTests {
  @Test("init makes it once, status says what is wrong") func commands() throws {
    let server = try NATSServer()
    let directory = try TemporaryDirectory()
    let file = try directory.write(
      "cluster: {servers: [\"\(server.url)\"]}\n".utf8, to: "cluster.yaml")
    let small = ["--records-max", "100M", "--epochs-max", "100MiB", "--replicas", "1"]
    func cluster(_ words: String...) throws -> Command.Result {
      try Command.run(["cluster", words[0], "-c", file] + words.dropFirst())
    }
    let before = try cluster("status")
    #expect(before.status == 1 && before.errors.contains("not set up"))
    let made = try Command.run(["cluster", "init", "-c", file, "--shards", "4"] + small)
    #expect(made.status == 0 && made.text.contains("layout: made"), "\(made.errors)")
    let again = try Command.run(["cluster", "init", "-c", file, "--shards", "4"] + small)
    #expect(again.status == 0 && again.text.contains("stream RENKEI_RECORDS: as it should be"))
    let other = try Command.run(["cluster", "init", "-c", file, "--shards", "8"] + small)
    #expect(other.status == 1 && other.text.contains("4 shards, not 8"))
    #expect(try cluster("init", "--shards", "5").status == 2)
    #expect(try cluster("init", "--replicas", "2").status == 2)

    let status = try cluster("status", "--lang", "en")
    #expect(status.status == 1 && status.text.contains("No collector runs."))
    let json = try #require(try cluster("status", "--json").json)
    #expect(json["isWell"] as? Bool == false && json["shards"] as? Int == 4)
    #expect((json["streams"] as? [Any])?.count == 4)
    let link = NATSLink(NATSSettings(servers: [server.url], name: "test"))
    try link.connect()
    try link.put([1], for: ClusterMember.watermarkKey("m"), in: .cluster)
    #expect(try cluster("forget", "merger", "m").status == 0)
    #expect(try link.get(ClusterMember.watermarkKey("m"), in: .cluster) == nil)
    #expect(try cluster("forget", "merger", "m").status == 1)
    #expect(try cluster("forget", "cook", "m").status == 2)
    server.kill()
    let gone = try cluster("status")
    #expect(gone.status == 1 && gone.errors.contains("NATS can't be reached"))
  }
}
