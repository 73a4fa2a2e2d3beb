internal import Cluster
internal import Glibc
internal import Wire
internal import Yams

extension ClusterConfiguration {
  /// Every key of the section `cluster`, in the order of the documentation.
  static let settings: [Setting<Membership>] = [
    Setting("servers", \.servers, .servers),
    Setting("name", \.name, .clusterName, null: "the host's name"),
    Setting("shards", \.shards, .shards),
    Setting("user", \.user, .name("a user"), null: "none"),
    Setting("password-file", \.passwordFile, .name("a file"), null: "none"),
    Setting("seed-file", \.seedFile, .name("a file"), null: "none"),
    Setting("ca", \.ca, .name("a file"), null: "none"),
    Setting("certificate", \.certificate, .name("a file"), null: "none"),
    Setting("key", \.key, .name("a file"), null: "none"),
    Setting("spool.path", \.spoolPath, .name("a directory")),
    Setting("spool.bytes-max", \.spoolBytesMax, .spoolBytes),
  ]

  /// Whether a text is the configuration of a cluster's box: it has the section.
  static func isOne(_ text: String) -> Bool {
    text.split(separator: "\n").contains { $0.firstMatch(of: /^cluster\s*:/) != nil }
  }

  /// Reads a configuration file, and looks at who may read the secrets that it names.
  ///
  /// - Throws: `ConfigurationError` with everything that is wrong.
  static func load(path: String) throws(ConfigurationError) -> ClusterConfiguration {
    let configuration = try parse(UnitConfiguration.text(ofFile: path), path: path)
    let open = configuration.openSecrets
    guard open.isEmpty else { throw ConfigurationError(path: path, problems: open) }
    return configuration
  }

  /// - Parameter path: for messages.
  /// - Throws: `ConfigurationError` with everything that is wrong in the text.
  static func parse(
    _ text: String, path: String = "configuration"
  ) throws(ConfigurationError) -> ClusterConfiguration {
    var configuration = ClusterConfiguration()
    var found: [ConfigurationProblem] = []
    var isThere = false
    var line: Int?
    configuration.unit = try UnitConfiguration.parse(
      text, path: path,
      section: (
        "cluster",
        { node, problems in
          isThere = true
          line = node.line
          configuration.cluster.read(node, &problems)
        }
      ))
    if !isThere {
      found.append(ConfigurationProblem(line: nil, text: "there is no section cluster"))
    } else {
      found += configuration.cluster.contradictions.map {
        ConfigurationProblem(line: line, text: $0)
      }
    }
    guard found.isEmpty else { throw ConfigurationError(path: path, problems: found) }
    return configuration
  }

  /// The section `cluster` with all its defaults.
  var clusterYAML: String {
    var text = "cluster:\n"
    for setting in ClusterConfiguration.settings where setting.section == nil {
      text += "  \(setting.key): \(setting.write(cluster))\n"
    }
    text += "  spool:\n"
    for setting in ClusterConfiguration.settings where setting.section != nil {
      text += "    \(setting.name): \(setting.write(cluster))\n"
    }
    return text
  }

  /// Secrets that more than their owner and group may read.
  private var openSecrets: [ConfigurationProblem] {
    let files = [
      ("password-file", cluster.passwordFile), ("seed-file", cluster.seedFile),
      ("key", cluster.key),
    ]
    return files.compactMap { key, file in
      var facts = stat()
      guard let file, stat(file, &facts) == 0, facts.st_mode & 0o007 != 0 else { return nil }
      return ConfigurationProblem(
        line: nil,
        text: "cluster.\(key): \(file) may be read or written by everybody: chmod 0640 it, or 0600")
    }
  }
}

extension ClusterConfiguration.Membership {
  fileprivate mutating func read(_ node: Node, _ problems: inout [ConfigurationProblem]) {
    guard let mapping = node.mapping else {
      problems.append(node.problem("cluster", expected: "a section with keys"))
      return
    }
    for (key, value) in mapping {
      if key.word == "spool", let spool = value.mapping {
        for (key, value) in spool { read(key, value, of: "spool", &problems) }
      } else {
        read(key, value, of: nil, &problems)
      }
    }
  }

  private mutating func read(
    _ key: Node, _ value: Node, of section: String?, _ problems: inout [ConfigurationProblem]
  ) {
    let own = ClusterConfiguration.settings.filter { $0.section == section }
    let place = section.map { "cluster.\($0)" } ?? "cluster"
    if let setting = own.first(where: { $0.name == key.word }) {
      var found: [ConfigurationProblem] = []
      setting.read(value, &self, &found)
      problems += found.map { ConfigurationProblem(line: $0.line, text: "cluster.\($0.text)") }
    } else if key.word == "spool" {
      problems.append(value.problem("\(place).spool", expected: "a section with keys"))
    } else if key.word == "password" {
      problems.append(
        ConfigurationProblem(
          line: key.line,
          text: "cluster.password: passwords are in files of their own: password-file"))
    } else {
      problems.append(
        .unknown(key, in: place, known: own.map(\.name) + (section == nil ? ["spool"] : [])))
    }
  }

  /// What is right by itself and wrong together.
  fileprivate var contradictions: [String] {
    var texts: [String] = []
    if servers.isEmpty {
      texts.append("cluster.servers: none; expected a list such as [tls://nats-1:4222]")
    }
    if (user == nil) != (passwordFile == nil) {
      texts.append("cluster.user and cluster.password-file go together")
    }
    if seedFile != nil && user != nil {
      texts.append("cluster.seed-file and cluster.user: one of them")
    }
    if (certificate == nil) != (key == nil) {
      texts.append("cluster.certificate and cluster.key go together")
    }
    return texts
  }
}

extension ValueKind<[String]> {
  fileprivate static let servers = ValueKind(
    "a list of servers, such as [tls://nats-1:4222, tls://nats-2:4222]",
    read: { node, key, problems in
      let words = node.word.map { [$0] } ?? node.sequence?.map { $0.word ?? "" } ?? []
      let wrong = words.first { !isServer($0) }
      if let wrong {
        problems.append(
          ConfigurationProblem(
            line: node.line,
            text: "\(key): \"\(Terminal.oneLine(wrong))\": expected tls://HOST:PORT or "
              + "nats://HOST:PORT"))
        return nil
      }
      return words.isEmpty ? nil : words
    },
    write: { "[" + $0.map { YAMLText.quoted($0) }.joined(separator: ", ") + "]" })

  private static func isServer(_ word: String) -> Bool {
    guard let match = word.firstMatch(of: /^(tls|nats):\/\/([^\/@\s]+)$/) else { return false }
    let host = String(match.2)
    return ListenAddress(host) != nil || ListenAddress("\(host):4222") != nil
  }
}

extension ValueKind<String> {
  fileprivate static let clusterName = ValueKind(
    "letters, digits, - and _, at most 32",
    scalar: { ClusterSubject.isName($0) ? $0 : nil }, write: { YAMLText.quoted($0) })
}

extension ValueKind<Int> {
  fileprivate static let shards = ValueKind(
    "a power of two from 1 to \(VirtualShard.countMax)",
    scalar: { text in
      Int(text).flatMap {
        (1...VirtualShard.countMax).contains($0) && $0 & ($0 - 1) == 0 ? $0 : nil
      }
    },
    write: { "\($0)" })

  /// "4G" is 4 GiB.
  fileprivate static let spoolBytes = ValueKind(
    "a size from 1MiB",
    scalar: { text in
      (Quantity.bytes(text) ?? Quantity.bytes(text + "iB")).flatMap {
        (1 << 20...1 << 50).contains($0) ? $0 : nil
      }
    },
    write: { Quantity.size(bytes: $0) })
}
