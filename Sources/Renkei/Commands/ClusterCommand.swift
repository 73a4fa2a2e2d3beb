internal import ArgumentParser
internal import Cluster
internal import Foundation
internal import Glibc
internal import Reporter
internal import Wire

struct ClusterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster",
    abstract: "Set up a cluster, and show how it is.",
    discussion: """
      The boxes of a cluster meet in NATS JetStream: collectors put records there, trackers take them and put \
      their epochs there, mergers take those. `init` makes the streams for it, once; `status` shows streams, \
      processes, and everything that is wrong.

      Examples:
        renkei cluster init -c admin.yaml --shards 16 --replicas 3
        renkei cluster status -c admin.yaml
        renkei cluster status -c admin.yaml --watch
      """,
    subcommands: [Initialise.self, Status.self, Forget.self])

  struct FileOption: ParsableArguments {
    @Option(
      name: [.customShort("c"), .customLong("config")],
      help: ArgumentHelp(
        "The cluster's configuration. Default: \(ClusterConfiguration.defaultPath).",
        valueName: "file"))
    var path = ClusterConfiguration.defaultPath
  }
}

extension ClusterCommand {
  struct Initialise: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "init",
      abstract: "Make the streams and buckets of a cluster.",
      usage: "renkei cluster init -c FILE [--shards N] [--replicas N] [--update]",
      discussion: """
        What is there already is left as it is, and what differs is said; --update changes it where that can be \
        done while data are in it. The number of shards can't be changed.

        Exit status: 0 all is as wanted; 1 an error, or something differs; 2 wrong usage.
        """)

    @OptionGroup var file: FileOption
    @Option(
      help:
        "Virtual shards, a power of two up to 64: trackers that can share the work. Default: 16.")
    var shards: Int?
    @Option(help: "Servers that keep each message: 1 or 3.") var replicas = 3
    @Option(
      help: ArgumentHelp(
        "Records that the servers keep for trackers that are behind.", valueName: "size"))
    var recordsMax = "20GiB"
    @Option(
      help: ArgumentHelp(
        "Epochs that they keep for mergers that are behind, and snapshots.", valueName: "size"))
    var epochsMax = "4GiB"
    @Flag(help: "Change what differs.") var update = false

    func validate() throws {
      if let shards { try ClusterCommand.check(shards: shards) }
      guard replicas == 1 || replicas == 3 else { throw ValidationError("--replicas: 1 or 3") }
      _ = try (ClusterCommand.bytes(recordsMax), ClusterCommand.bytes(epochsMax))
    }

    func run() throws {
      let configuration = try ClusterConfiguration.load(path: file.path)
      var limits = ClusterLimits()
      limits.shards = shards ?? configuration.cluster.shards
      try ClusterCommand.check(shards: limits.shards)
      limits.replicas = replicas
      limits.recordsBytesMax = try ClusterCommand.bytes(recordsMax)
      limits.epochsBytesMax = try ClusterCommand.bytes(epochsMax)
      let steps = try ClusterSetup(limits, on: configuration.connected()).run(update: update)
      var differs = false
      for step in steps {
        let text: String
        switch step.outcome {
        case .made: text = "made"
        case .asItShouldBe: text = "as it should be"
        case .updated(let what): text = "changed: " + what.joined(separator: "; ")
        case .differs(let what):
          text = "differs: " + what.joined(separator: "; ")
          differs = true
        }
        print(Terminal.oneLine("\(step.what): \(text)"))
      }
      if differs {
        let hint = update ? "" : "; --update changes what can be changed"
        throw RunError("the cluster is not as wanted\(hint)")
      }
    }
  }

  fileprivate static func check(shards: Int) throws {
    guard (1...VirtualShard.countMax).contains(shards), shards & (shards - 1) == 0 else {
      throw ValidationError("--shards \(shards): a power of two from 1 to \(VirtualShard.countMax)")
    }
  }

  /// "20G" is 20 GiB.
  fileprivate static func bytes(_ text: String) throws -> UInt64 {
    guard let bytes = Quantity.bytes(text) ?? Quantity.bytes(text + "iB"), bytes > 0 else {
      throw ValidationError("\(text): write a size such as 20G, 500MiB")
    }
    return UInt64(bytes)
  }
}

extension ClusterCommand {
  struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "status",
      abstract: "Show how a cluster is.",
      usage: "renkei cluster status -c FILE [--json] [--watch] [--lang en|ja]",
      discussion: """
        Streams, capture points, trackers, mergers, the balance of all packets, and what is wrong. Whether a process \
        lives is told by its entry: it must change. That takes a second; four where one is dead.

        Exit status: 0 all is well; 1 something is wrong; 2 wrong usage.
        """)

    /// Between two looks, with --watch.
    private static let watchSeconds = 1.0

    @OptionGroup var file: FileOption
    @Flag(help: "Print JSON.") var json = false
    @Flag(help: "Show it again and again, until it is interrupted.") var watch = false
    @Option(help: "Language of the text: en or ja. Default: from LANG.") var lang: ReportLanguage?

    func run() throws {
      let link = try ClusterConfiguration.load(path: file.path).connected()
      var observer = ClusterObserver()
      repeat {
        let condition = try settled(link, &observer)
        try show(condition)
        if !watch {
          if !condition.isWell { throw ExitCode(1) }
          return
        }
        Thread.sleep(forTimeInterval: Status.watchSeconds)
      } while true
    }

    /// Looks until it is known who lives.
    private func settled(_ link: NATSLink, _ observer: inout ClusterObserver)
      throws(ClusterError) -> ClusterCondition
    {
      while true {
        do {
          let streams = try ClusterInspection.streams(of: link)
          var condition = try observer.look(at: link, streams: streams, now: Clock.seconds())
          for (what, count) in link.violations.sorted(by: { $0.key < $1.key }) {
            condition.problems.append(.init(.notPermitted, what, "\(count)"))
          }
          if observer.isSettled(now: Clock.seconds()) { return condition }
        } catch {
          guard watch, case .unreachable = error else { throw error }
          var condition = ClusterCondition()
          condition.problems = [.init(.unreachable, "NATS", "\(error)")]
          return condition
        }
        Thread.sleep(forTimeInterval: 0.3)
      }
    }

    private func show(_ condition: ClusterCondition) throws {
      var output =
        json
        ? String(decoding: try JSONEncoder.ofStatus.encode(Answer(condition)), as: UTF8.self) + "\n"
        : ClusterStatusText(condition, language: lang ?? .ofEnvironment).text
      // From the top of the terminal, and nothing below.
      if watch, !json, isatty(STDOUT_FILENO) == 1 { output = "\u{1B}[H\u{1B}[J" + output }
      try AtomicOutput.write(to: "-") { $0.write(output) }
    }

    private struct Answer: Encodable {
      let condition: ClusterCondition

      init(_ condition: ClusterCondition) { self.condition = condition }

      private enum Key: String, CodingKey { case isWell }

      func encode(to encoder: any Encoder) throws {
        try condition.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(condition.isWell, forKey: .isWell)
      }
    }
  }
}
