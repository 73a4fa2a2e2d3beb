internal import Foundation
internal import Reporter
internal import Yams

extension UnitConfiguration {
  /// Larger files are no configuration.
  private static let fileBytesMax = 1 << 20

  /// Reads a configuration file.
  ///
  /// - Throws: `ConfigurationError` with everything that is wrong in it.
  static func load(path: String) throws(ConfigurationError) -> UnitConfiguration {
    try parse(text(ofFile: path), path: path)
  }

  /// The text of a configuration file.
  ///
  /// - Throws: `ConfigurationError` where it can't be one.
  static func text(ofFile path: String) throws(ConfigurationError) -> String {
    func failed(_ text: String) -> ConfigurationError {
      ConfigurationError(path: path, problems: [ConfigurationProblem(line: nil, text: text)])
    }
    guard let file = fopen(path, "re") else {
      throw failed("cannot be read: \(String(cString: strerror(errno)).lowercased())")
    }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    if ferror(file) != 0 {
      throw failed("cannot be read: \(String(cString: strerror(errno)).lowercased())")
    }
    guard count <= fileBytesMax else { throw failed("larger than 1 MiB: no configuration") }
    guard let text = String(validating: bytes[..<count], as: UTF8.self) else {
      throw failed("not in UTF-8")
    }
    return text
  }

  /// A section that is not the unit's own: its name, and what reads it.
  typealias Section = (name: String, read: (Node, inout [ConfigurationProblem]) -> Void)

  /// - Parameters:
  ///   - path: for messages.
  ///   - section: one more that there may be.
  /// - Throws: `ConfigurationError` with everything that is wrong in the text.
  static func parse(
    _ text: String, path: String = "configuration", section: Section? = nil
  ) throws(ConfigurationError) -> UnitConfiguration {
    var configuration = UnitConfiguration()
    var problems: [ConfigurationProblem] = []
    do {
      // One by one: `compose_all` traps when it is asked on after an error.
      let parser = try Parser(yaml: text)
      let root = try parser.nextRoot()
      let second = root == nil ? nil : try parser.nextRoot()
      if let second {
        problems.append(
          ConfigurationProblem(
            line: second.line, text: "a second document; a configuration is one"))
      }
      if let root, !root.isNull { configuration.read(root, section, &problems) }
    } catch {
      problems.append(ConfigurationProblem(yaml: error))
    }
    if problems.isEmpty { problems += configuration.contradictions }
    guard problems.isEmpty else {
      throw ConfigurationError(
        path: path, problems: problems.sorted { ($0.line ?? 0) < ($1.line ?? 0) })
    }
    return configuration
  }

  private mutating func read(
    _ root: Node, _ section: Section?, _ problems: inout [ConfigurationProblem]
  ) {
    guard let mapping = root.mapping else {
      problems.append(
        ConfigurationProblem(
          line: root.line, text: "expected keys and values, found \(root.found)"))
      return
    }
    let settings = UnitConfiguration.settings
    let sections = Set(settings.compactMap(\.section))
    for (key, value) in mapping {
      guard let name = key.word else {
        problems.append(.unknown(key, in: nil, known: []))
        continue
      }
      if let section, section.name == name {
        section.read(value, &problems)
      } else if let setting = settings.first(where: { $0.key == name && $0.section == nil }) {
        setting.read(value, &self, &problems)
      } else if sections.contains(name) {
        // A section of which everything is commented out.
        if value.isNull { continue }
        guard let section = value.mapping else {
          problems.append(value.problem(name, expected: "a section with keys"))
          continue
        }
        let own = settings.filter { $0.section == name }
        for (key, value) in section {
          if let setting = own.first(where: { $0.name == key.word }) {
            setting.read(value, &self, &problems)
          } else {
            problems.append(.unknown(key, in: name, known: own.map(\.name)))
          }
        }
      } else {
        let top =
          settings.filter { $0.section == nil }.map(\.key)
          + (sections + (section.map { [$0.name] } ?? [])).sorted()
        problems.append(.unknown(key, in: nil, known: top))
      }
    }
  }

  /// What is right by itself and wrong together.
  private var contradictions: [ConfigurationProblem] {
    var texts: [String] = []
    let forEver = Int.max
    let (minutes, hours, days) = (
      store.keepMinutes ?? forEver, store.keepHours ?? forEver, store.keepDays ?? forEver
    )
    if minutes > hours {
      texts.append("store.keepMinutes is longer than store.keepHours: there would be a gap")
    }
    if hours > days {
      texts.append("store.keepHours is longer than store.keepDays: there would be a gap")
    }
    if run.restartBackoffSeconds > run.restartBackoffMaxSeconds {
      texts.append("run.restartBackoffSeconds is longer than run.restartBackoffMaxSeconds")
    }
    if let service = report.service() {
      if let error = service.contradiction { texts.append("\(error)") }
      if metrics.listen == report.listen {
        texts.append("report.listen and metrics.listen are the same address: each needs its own")
      }
    }
    return texts.map { ConfigurationProblem(line: nil, text: $0) }
  }
}

extension ConfigurationProblem {
  /// A key that there is not, with the one that may have been meant.
  static func unknown(_ key: Node, in section: String?, known: [String]) -> ConfigurationProblem {
    let word = key.word ?? ""
    let path = section.map { "\($0).\(word)" } ?? word
    var text = "unknown key \"\(Terminal.oneLine(path))\""
    let elsewhere = UnitConfiguration.settings.first {
      $0.name.lowercased() == word.lowercased() && $0.section != nil && $0.section != section
    }
    if let near = NearestKey.of(word, among: known) {
      text += "; the nearest is \"\(section.map { "\($0).\(near)" } ?? near)\""
    } else if let elsewhere {
      text += "; there is \"\(elsewhere.key)\""
    } else if !known.isEmpty {
      text += "; known here: \(known.joined(separator: ", "))"
    }
    return ConfigurationProblem(line: key.line, text: text)
  }

  /// What Yams has to say, in one line.
  fileprivate init(yaml error: any Error) {
    guard let error = error as? YamlError else {
      self.init(line: nil, text: "\(error)")
      return
    }
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let more = context.map { " \($0.text)" } ?? ""
      self.init(line: mark.line, text: "not YAML: \(problem)\(more)")
    case .duplicatedKeysInMapping(let keys, let context):
      self.init(
        line: context.mark.line,
        text: "written twice in one section: " + keys.map { "\"\($0)\"" }.joined(separator: ", "))
    case .reader(let problem, _, _, _): self.init(line: nil, text: "not YAML: \(problem)")
    default: self.init(line: nil, text: "not YAML: \(Terminal.oneLine("\(error)"))")
    }
  }
}
