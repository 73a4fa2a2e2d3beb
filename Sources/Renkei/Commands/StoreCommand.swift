internal import ArgumentParser
internal import Foundation
internal import Reporter
internal import ServiceMap
internal import Wire

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store",
    abstract: "Look into a map store, check it, or copy it while it is being written.",
    discussion: """
      A store holds the map by periods: minutes, which become hours and days as they grow old, or \
      one whole capture. `renkei report --at` and `--from`/`--to` show the map of a time.

      Examples:
        renkei store info --store map.db
        renkei store check --store map.db
        renkei store backup --store map.db -o copy.db
      """,
    subcommands: [Info.self, Check.self, Backup.self])

  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What a store holds: runs, periods with their times, sizes.",
      discussion: """
        Times are local in the text, seconds since 1970 in JSON. Exit status: 0, or 1 where the \
        store can't be read.
        """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: ArgumentHelp("The map store.", valueName: "map.db")) var store: String
    @Option(help: "text (default) or json.") var format: Format = .text

    func run() throws {
      let info = try StoreInfo.read(path: store)
      guard format == .text else {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(info), as: UTF8.self))
        return
      }
      for line in StoreCommand.lines(info, path: store) { print(line) }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Whether a store is whole.",
      discussion: """
        Looks at every page, and compares of every period the packets of its links with those that \
        were mapped in it. Exit status: 0 sound, 1 damaged or not readable.
        """)

    @Option(help: ArgumentHelp("The map store.", valueName: "map.db")) var store: String

    func run() throws {
      let problems = try StoreCheck.problems(path: store)
      guard problems.isEmpty else {
        for problem in problems.dropLast() { Terminal.standardError("renkei: \(problem)\n") }
        throw RunError("\(store): is damaged: \(problems.last ?? "")")
      }
      print("\(store): sound")
    }
  }

  struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Copy a store while it is being written.",
      discussion: """
        The copy is one state of the store, in one file, complete or not there at all; an earlier \
        copy of that name is replaced. To restore, stop the unit and put the copy in the store's \
        place, without files ending in -wal and -shm. Exit status: 0, or 1 where it failed.
        """)

    @Option(help: ArgumentHelp("The map store.", valueName: "map.db")) var store: String
    @Option(
      name: [.customShort("o"), .customLong("output")],
      help: ArgumentHelp("The copy.", valueName: "copy.db"))
    var output: String

    func run() throws { try StoreBackup.write(path: store, to: output) }
  }

  /// What `info` says as text.
  static func lines(_ info: StoreInfo, path: String) -> [String] {
    func megabytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1e6) }
    func columns(_ cells: [String], _ widths: [Int]) -> String {
      zip(cells, widths).map { cell, width in
        cell + String(repeating: " ", count: max(0, width - cell.count))
      }.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }
    var lines = [
      "\(path): \(info.schema), \(megabytes(info.bytes)) "
        + "(\(megabytes(info.freeBytes)) free), WAL \(megabytes(info.walBytes))",
      "\(UInt64(info.links).grouped) links, \(UInt64(info.addresses).grouped) addresses"
        + (info.hiddenSegments > 0
          ? ", \(info.hiddenSegments) periods in the making or going" : ""),
      "", columns(["periods", "count", "from", "to"], [10, 8, 19, 19]),
    ]
    for span in info.segments {
      lines.append(
        columns(
          [
            span.name, "\(span.segments)", TimeText.text(span.beginSeconds),
            TimeText.text(span.endSeconds),
          ], [10, 8, 19, 19]))
    }
    lines += ["", columns(["run", "from", "to", "packets", "of"], [20, 19, 19, 15, 20])]
    for run in info.runs {
      func time(_ seconds: Double?) -> String { seconds.map { TimeText.text(Int($0)) } ?? "–" }
      lines.append(
        columns(
          [
            String(run.id), time(run.startSeconds), time(run.endSeconds), run.captured.grouped,
            Terminal.oneLine(run.names.joined(separator: ", ")),
          ], [20, 19, 19, 15, 20]))
    }
    return lines
  }
}
