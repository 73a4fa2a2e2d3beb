import Reporter
import ServiceMap
import TestSupport
import Testing

@testable import Renkei

@Suite struct UnitConfigurationTests {
  private func problems(_ yaml: String) -> [String] {
    do {
      _ = try UnitConfiguration.parse(yaml)
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test(
    "nothing written means all defaults",
    arguments: ["", "\n", "# comment\n", "---\n", "capture:\nstore: ~\n", "interfaces:\n"])
  func defaults(yaml: String) throws {
    #expect(try UnitConfiguration.parse(yaml) == UnitConfiguration())
  }

  @Test("reads every kind of value")
  func values() throws {
    let read = try UnitConfiguration.parse(
      """
      interfaces: [eth0, {name: eth1, collectors: 2}]
      filter: tcp port 443 or host 10.0.0.1
      capture: {promiscuous: no, snaplenBytes: 96, bufferBytes: 1GB, decapsulate: false}
      pipeline:
        trackers: 3
        ringBytes: 8 MiB
        epochSeconds: 500ms
        tcpIdleTimeoutSeconds: 90
        idleTimeoutSeconds: 1.5m
      store:
        path: "/data/map.db"
        keepMinutes: 12h
        keepHours: 4w
        keepDays: null
        bytesMax: 20GB
      run: {user: ~, directory: /tmp/r}
      metrics: {listen: "[::1]:80"}
      report:
        listen: "0.0.0.0:443"
        users: /etc/u
        certificate: c.pem
        key: k.pem
        insecure: yes
        allow: [10.0.0.0/8, "2001:db8::/32"]
        accessLog: /var/log/a
        organisation: 192.0.2.0/24
        foldOutside: true
        resolve: true
        serviceNames: s.txt
      names: hosts.csv
      roles: roles.txt
      """)
    var expected = UnitConfiguration()
    expected.interfaces = [.init(name: "eth0"), .init(name: "eth1", collectors: 2)]
    expected.filter = "tcp port 443 or host 10.0.0.1"
    expected.capture = .init(
      promiscuous: false, snaplenBytes: 96, bufferBytes: 1_000_000_000, decapsulate: false)
    expected.pipeline.trackers = 3
    expected.pipeline.ringBytes = 8 << 20
    expected.pipeline.epochSeconds = 0.5
    expected.pipeline.tcpIdleTimeoutSeconds = 90
    expected.pipeline.idleTimeoutSeconds = 90
    expected.store = .init(
      path: "/data/map.db", keepMinutes: 43_200, keepHours: 2_419_200, keepDays: nil,
      bytesMax: 20_000_000_000)
    expected.run.user = nil
    expected.run.directory = "/tmp/r"
    expected.metrics.listen = ListenAddress(host: "::1", port: 80)
    expected.report = .init(
      listen: ListenAddress(host: "0.0.0.0", port: 443), users: "/etc/u", certificate: "c.pem",
      key: "k.pem", insecure: true,
      allow: ["10.0.0.0/8", "2001:db8::/32"].compactMap { Prefix($0) },
      accessLog: "/var/log/a",
      organisation: ["192.0.2.0/24"].compactMap { Prefix($0) }, foldOutside: true,
      resolve: true, serviceNames: "s.txt")
    expected.names = ["hosts.csv"]
    expected.roles = "roles.txt"
    #expect(read == expected)
  }

  @Test("one interface needs no list, and a number may be its name")
  func oneInterface() throws {
    #expect(try UnitConfiguration.parse("interfaces: 7").interfaces == [.init(name: "7")])
    #expect(
      try UnitConfiguration.parse("interfaces: {name: no, collectors: 4}").interfaces
        == [.init(name: "no", collectors: 4)])
  }

  @Test("what is printed reads as the same configuration")
  func roundTrip() throws {
    var configuration = UnitConfiguration()
    #expect(try UnitConfiguration.parse(configuration.yaml) == configuration)
    configuration.interfaces = [.init(name: "no"), .init(name: "e#: \"", collectors: 3)]
    configuration.interfaces[1].name = "e\"#\\"
    configuration.filter = "not (tcp[13] & 2 != 0) # ' \" \\ \t 東京"
    configuration.pipeline.trackers = 5
    configuration.pipeline.epochSeconds = 0.25
    configuration.pipeline.idleTimeoutSeconds = 61
    configuration.store.keepDays = nil
    configuration.store.bytesMax = 123_456_789
    configuration.run.user = nil
    configuration.metrics.listen = nil
    configuration.names = ["null", "a b", "-x", "yes"]
    configuration.roles = "~"
    #expect(try UnitConfiguration.parse(configuration.yaml) == configuration)
  }

  @Test("all problems are listed, each with its line, key and what is expected")
  func allProblems() {
    let found = problems(
      """
      interfaces: [eth0, a/b]
      captur: {}
      capture:
        snaplen: 96
        bufferBytes: 64M
      snaplenBytes: 96
      store:
        path:
        keepMinutes: soon
      metrics: {listen: "0.0.0.0:9477"}
      pipeline: [1]
      names: [a, [b]]
      """)
    let expected = [
      #"line 1: interfaces[1]: expected the name of an interface, at most 15 bytes, found "a/b""#,
      #"line 2: unknown key "captur"; the nearest is "capture""#,
      #"line 4: unknown key "capture.snaplen"; the nearest is "capture.snaplenBytes""#,
      #"line 5: capture.bufferBytes: expected a size from 1MiB to 2047MiB, found "64M""#,
      #"line 6: unknown key "snaplenBytes"; there is "capture.snaplenBytes""#,
      "line 8: store.path: expected a file, found nothing",
      "line 9: store.keepMinutes: expected a duration from 1m to 36525d, in whole seconds, "
        + #"or null: for ever, found "soon""#,
      "line 10: metrics.listen: expected ADDRESS:PORT of the loopback, such as 127.0.0.1:9477 or "
        + #""[::1]:9477", or null: off, found "0.0.0.0:9477""#,
      "line 11: pipeline: expected a section with keys, found a list",
      "line 12: names[1]: expected a file, found a list",
    ]
    #expect(found == expected)
  }

  @Test(
    "interfaces are checked one by one",
    arguments: [
      ("[{name: e, colectors: 2}]", "interfaces[0].colectors"),
      ("[{collectors: 2}]", "interfaces[0]: no name"),
      ("[{name: e, collectors: 0}]", "interfaces[0].collectors: expected a whole number"),
      ("[e, e]", "in the list already"), ("[abcdefghijklmnop]", "at most 15 bytes"),
      ("[~]", "found nothing"), ("[[e]]", "found a list"),
    ])
  func interfaces(yaml: String, part: String) {
    let found = problems("interfaces: \(yaml)")
    #expect(found.count == 1)
    #expect(found.first?.contains(part) == true, "\(found)")
  }

  @Test(
    "values out of range are refused",
    arguments: [
      "capture: {snaplenBytes: 63}", "capture: {snaplenBytes: 256KiB1}",
      "capture: {bufferBytes: 2GiB}", "capture: {promiscuous: maybe}", "pipeline: {trackers: 0}",
      "pipeline: {trackers: 1.5}", "pipeline: {epochSeconds: 0}", "pipeline: {epochSeconds: 2m}",
      "pipeline: {idleTimeoutSeconds: 500ms}", "pipeline: {sessionsMax: -1}",
      "pipeline: {sessionsMax: 32767}",
      "pipeline: {linksMax: 99999999999999999999}", "store: {keepDays: 0}",
      "store: {bytesMax: 1MB}", "run: {restartBackoffSeconds: 0s}", "run: {directory: ''}",
      "metrics: {listen: 9477}", "metrics: {listen: '127.0.0.1:0'}",
      "metrics: {listen: '::1:9477'}", "metrics: {listen: 'example.org:80'}", "filter: [a]",
      "report: {listen: 9478}", "report: {allow: [10.0.0.0/33]}", "report: {allow: here}",
      "report: {organisation: [~]}", "report: {insecure: maybe}", "report: {users: ''}",
    ])
  func refused(yaml: String) {
    let found = problems(yaml)
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.contains("expected") == true)
  }

  @Test("what contradicts itself is refused")
  func contradictions() {
    #expect(problems("store: {keepMinutes: 2d, keepHours: 1d}").count == 1)
    #expect(problems("store: {keepHours: null, keepDays: 100d}").count == 1)
    #expect(problems("store: {keepMinutes: 1d, keepHours: 1d, keepDays: 1d}").isEmpty)
    #expect(problems("run: {restartBackoffSeconds: 40, restartBackoffMaxSeconds: 30}").count == 1)
    #expect(problems("report: {listen: '0.0.0.0:9478'}").first?.contains("a certificate") == true)
    #expect(problems("report: {listen: '0.0.0.0:9478', insecure: true}").isEmpty)
    #expect(problems("report: {listen: '0.0.0.0:1', certificate: c, key: k}").isEmpty)
    #expect(problems("report: {certificate: c}").first?.contains("key is missing") == true)
    #expect(problems("report: {key: k}").first?.contains("certificate is missing") == true)
    #expect(problems("report: {listen: '127.0.0.1:9477'}").first?.contains("the same") == true)
    #expect(problems("report: {listen: null}\nmetrics: {listen: '127.0.0.1:9478'}").isEmpty)
  }

  @Test(
    "what is no YAML is said with its line",
    arguments: [
      ("a: [\n", "line 2: not YAML"), ("filter: a\nfilter: b", "written twice in one section"),
      ("filter: \u{1}", "not YAML"), ("- a", "line 1: expected keys and values, found a list"),
      ("filter: a\n---\nfilter: b", "a second document"), ("x: *nowhere", "not YAML"),
      ("? [a]\n: b", "unknown key"),
    ])
  func notYAML(yaml: String, part: String) {
    let found = problems(yaml)
    #expect(found.count == 1)
    #expect(found.first?.contains(part) == true, "\(found)")
  }

  @Test("files that can't be read are said by name")
  func files() throws {
    let folder = try TemporaryDirectory()
    func text(_ path: String) -> String {
      do {
        _ = try UnitConfiguration.load(path: path)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      text(folder.path("no.yaml")).hasSuffix("no.yaml: cannot be read: no such file or directory"))
    #expect(text(folder.path).hasSuffix("cannot be read: is a directory"))
    #expect(text(try folder.write([0xFF], to: "latin.yaml")).hasSuffix("not in UTF-8"))
    let large = try folder.write(
      repeatElement(UInt8(ascii: "#"), count: (1 << 20) + 1), to: "l.yaml")
    #expect(text(large).contains("larger than 1 MiB"))
    let good = try folder.write("interfaces: [lo]".utf8, to: "good.yaml")
    #expect(try UnitConfiguration.load(path: good).interfaces == [.init(name: "lo")])
  }

  @Test("names the keys that differ")
  func differences() {
    var other = UnitConfiguration()
    #expect(other.differences(from: UnitConfiguration()).isEmpty)
    other.filter = "tcp"
    other.store.keepDays = nil
    #expect(other.differences(from: UnitConfiguration()) == ["filter", "store.keepDays"])
  }
}
