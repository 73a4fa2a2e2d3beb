internal import Reporter
internal import Yams

extension UnitConfiguration {
  /// Every key, in the order of the documentation. What is not here can't be configured.
  static let settings: [Setting<UnitConfiguration>] = [
    Setting("interfaces", \.interfaces, .interfaces),
    Setting("filter", \.filter, .words),
    Setting("capture.promiscuous", \.capture.promiscuous, .flag),
    Setting("capture.snaplenBytes", \.capture.snaplenBytes, .bytes(64...262_144)),
    // pcap_set_buffer_size(3PCAP) takes an int.
    Setting("capture.bufferBytes", \.capture.bufferBytes, .bytes(1 << 20...2047 << 20)),
    Setting("capture.decapsulate", \.capture.decapsulate, .flag),
    Setting("capture.deduplicate", \.capture.deduplicate, .flag),
    Setting("pipeline.trackers", \.pipeline.trackers, .count(1...64), null: "half the cores"),
    Setting("pipeline.ringBytes", \.pipeline.ringBytes, .bytes(4 << 20...4 << 30)),
    Setting("pipeline.epochSeconds", \.pipeline.epochSeconds, .seconds(0.1...60)),
    // A tracker's table must find room for a whole batch (3,440 records) in the eighth that it gives up at a time.
    Setting("pipeline.sessionsMax", \.pipeline.sessionsMax, .count(32_768...100_000_000)),
    Setting(
      "pipeline.tcpIdleTimeoutSeconds", \.pipeline.tcpIdleTimeoutSeconds, .seconds(1...604_800)),
    Setting("pipeline.idleTimeoutSeconds", \.pipeline.idleTimeoutSeconds, .seconds(1...604_800)),
    Setting("pipeline.linksMax", \.pipeline.linksMax, .count(1000...100_000_000)),
    Setting("pipeline.addressesMax", \.pipeline.addressesMax, .count(1000...100_000_000)),
    Setting("store.path", \.store.path, .name("a file")),
    Setting("store.keepMinutes", \.store.keepMinutes, keep, null: "for ever"),
    Setting("store.keepHours", \.store.keepHours, keep, null: "for ever"),
    Setting("store.keepDays", \.store.keepDays, keep, null: "for ever"),
    Setting("store.bytesMax", \.store.bytesMax, .bytes(16 << 20...1 << 50), null: "no limit"),
    Setting("run.user", \.run.user, .name("a user"), null: "no other user"),
    Setting("run.directory", \.run.directory, .name("a directory")),
    Setting("run.restartBackoffSeconds", \.run.restartBackoffSeconds, .seconds(0.05...3600)),
    Setting("run.restartBackoffMaxSeconds", \.run.restartBackoffMaxSeconds, .seconds(0.05...3600)),
    Setting("metrics.listen", \.metrics.listen, .loopback, null: "off"),
    Setting("report.listen", \.report.listen, .listen, null: "off"),
    Setting("report.users", \.report.users, .name("a file"), null: usersMeaning),
    Setting("report.certificate", \.report.certificate, .name("a file"), null: "none"),
    Setting("report.key", \.report.key, .name("a file"), null: "none"),
    Setting("report.insecure", \.report.insecure, .flag),
    Setting("report.allow", \.report.allow, .networks),
    Setting("report.accessLog", \.report.accessLog, .name("a file"), null: "standard error"),
    Setting("report.organisation", \.report.organisation, .networks),
    Setting("report.foldOutside", \.report.foldOutside, .flag),
    Setting("report.resolve", \.report.resolve, .flag),
    Setting("report.serviceNames", \.report.serviceNames, .name("a file"), null: "none"),
    Setting("names", \.names, .files),
    Setting("roles", \.roles, .name("a file"), null: "none"),
  ]

  private static let usersMeaning =
    "nobody is asked on the loopback, \(ServiceConfiguration.defaultUsers) counts elsewhere"

  /// A hundred years are for ever.
  private static let keep = ValueKind<Int>.seconds(60...36_525 * 86_400)

  /// The keys whose values differ, in the order of the settings.
  func differences(from other: UnitConfiguration) -> [String] {
    UnitConfiguration.settings.filter { $0.write(self) != $0.write(other) }.map(\.key)
  }
}

extension ValueKind<[UnitConfiguration.Interface]> {
  /// Names, or sections of name and collectors; one by itself needs no list.
  static let interfaces = ValueKind(
    "a list of interfaces, each a name or {name: eth0, collectors: 2}",
    read: { node, key, problems in
      if node.isNull { return [] }
      guard let sequence = node.sequence else {
        return node.word == nil && node.mapping == nil
          ? nil : InterfaceReader.read(node, key, &problems).map { [$0] }
      }
      var interfaces: [UnitConfiguration.Interface] = []
      for (index, item) in sequence.enumerated() {
        let own = "\(key)[\(index)]"
        guard let interface = InterfaceReader.read(item, own, &problems) else { continue }
        if interfaces.contains(where: { $0.name == interface.name }) {
          problems.append(
            ConfigurationProblem(
              line: item.line,
              text: "\(own): \"\(interface.name)\" is in the list already; "
                + "several collectors on it are {name: \(interface.name), collectors: 2}"))
        }
        interfaces.append(interface)
      }
      return interfaces
    },
    write: { interfaces in
      let words = interfaces.map { one in
        one.collectors == 1
          ? YAMLText.quoted(one.name)
          : "{name: \(YAMLText.quoted(one.name)), collectors: \(one.collectors)}"
      }
      return "[" + words.joined(separator: ", ") + "]"
    })
}
