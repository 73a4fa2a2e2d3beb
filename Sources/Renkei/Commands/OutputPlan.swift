internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import Reporter

/// Where the results of a command go, worked out before any work begins.
struct OutputPlan: Equatable {
  struct Report: Equatable {
    var format: ReportFormat
    /// "-" is standard output.
    var path: String
  }

  var reports: [Report] = []
  /// The map store that the user keeps; nil where none was asked for.
  var store: String?

  /// - Parameters:
  ///   - outputs: the `-o` options; the ending of each tells what it is.
  ///   - format: the `--format` option; it decides where an ending doesn't.
  ///   - defaultName: what an HTML report is called where no `-o` says so.
  /// - Throws: `ValidationError` where it can't be told what to write.
  init(outputs: [String], format: ReportFormat?, defaultName: String) throws {
    var formatIsUsed = format == nil
    for path in outputs {
      let ending = (path as NSString).pathExtension.lowercased()
      if ["db", "sqlite", "sqlite3"].contains(ending) {
        guard store == nil else { throw ValidationError("-o: one map store is enough") }
        store = path
      } else if let format, path == "-" || outputs.count == 1 || OutputPlan.formats[ending] == nil {
        reports.append(Report(format: format, path: path))
        formatIsUsed = true
      } else if let format = OutputPlan.formats[ending] {
        reports.append(Report(format: format, path: path))
      } else if path == "-" {
        reports.append(Report(format: .text, path: path))
      } else {
        throw ValidationError(
          "-o \(path): the name does not tell the format; end it in .html, .json, .csv, .txt or "
            + ".db, or say --format")
      }
    }
    if !formatIsUsed, let format {
      reports.append(Report(format: format, path: format == .html ? defaultName : "-"))
    }
    if outputs.isEmpty && reports.isEmpty {
      reports.append(Report(format: .html, path: defaultName))
    }
  }

  private static let formats: [String: ReportFormat] = [
    "html": .html, "htm": .html, "json": .json, "csv": .csv, "txt": .text, "text": .text,
  ]

  /// Checks that every file can be made, so that an hour's work does not end in a wrong path.
  ///
  /// - Parameter inputs: captures and names files, which must not be overwritten.
  /// - Throws: `RunError` in one line.
  func check(inputs: [String]) throws {
    let inputs = Set(inputs.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().path })
    for path in reports.map(\.path) + (store.map { [$0] } ?? []) where path != "-" {
      let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
      let directory = (real as NSString).deletingLastPathComponent
      if inputs.contains(real) {
        throw RunError("\(path): is an input of this run; choose another name with -o")
      }
      var facts = stat()
      guard stat(real, &facts) == 0 else {
        guard stat(directory, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
          throw RunError("\(path): the directory \(directory) does not exist; make it first")
        }
        try checkWritable(directory, for: path)
        continue
      }
      switch facts.st_mode & S_IFMT {
      case S_IFDIR: throw RunError("\(path): is a directory; name a file in it")
      case S_IFREG:
        // It is replaced as a whole, which is the directory's business, but not against its mode.
        try checkWritable(directory, for: path)
        try checkWritable(real, for: path)
      default:
        // A device or a pipe is written in place; a database can't be.
        if path == store { throw RunError("\(path): is no regular file; choose another with -o") }
        try checkWritable(real, for: path)
      }
    }
  }

  private func checkWritable(_ place: String, for path: String) throws {
    guard access(place, W_OK) == 0 else {
      throw RunError("\(path): no permission to write \(place); choose another with -o")
    }
  }

  /// The name of the HTML report of a capture: its own without its endings, in this directory.
  static func defaultName(for capture: String) -> String {
    guard capture != "-" else { return "stdin.html" }
    var name = (capture as NSString).lastPathComponent
    for ending in [".gz", ".zst", ".lz4", ".pcapng", ".pcap", ".cap"] where name.hasSuffix(ending) {
      name.removeLast(ending.count)
    }
    return name + ".html"
  }
}
