internal import Foundation

/// `renkei-generate`, which the package `Benchmarks` builds and `make test` with it. Tests that need
/// it are skipped where it is not there: `.enabled(if: TrafficGenerator.isBuilt)`.
public enum TrafficGenerator {
  /// The one that was built last, with or without optimisation.
  private static let path: String? = {
    let built = ["release", "debug"].map {
      "\(Command.root)/Benchmarks/.build/\($0)/renkei-generate"
    }
    func date(_ path: String) -> Date? {
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      return attributes?[.modificationDate] as? Date
    }
    return built.filter { date($0) != nil }.max {
      date($0) ?? .distantPast < date($1) ?? .distantPast
    }
  }()

  public static var isBuilt: Bool { path != nil }

  /// A row of the truth, see Benchmarks/README.md.
  public struct Row: Sendable {
    public let server: String
    public let proto: String
    public let port: Int
    public let client: String
    public let sessions: Int
    public let basis: String
    public let answered: Int
  }

  /// Writes a capture and answers its truth.
  public static func run(_ options: [String], packets: Int, to capture: String) throws -> [Row] {
    guard let path else { throw CocoaError(.fileNoSuchFile) }
    let truth = capture + ".tsv"
    let arguments = ["--packets", "\(packets)", "-o", capture, "--truth", truth] + options
    let result = try Command.run(path, arguments)
    guard result.status == 0 else { throw CocoaError(.fileWriteUnknown) }
    let text = try String(contentsOfFile: truth, encoding: .utf8)
    return text.split(separator: "\n").dropFirst().map { line in
      let field = line.split(separator: "\t")
      func number(_ index: Int) -> Int { Int(field[index]) ?? -1 }
      return Row(
        server: String(field[0]), proto: field[1] == "6" ? "tcp" : "udp", port: number(2),
        client: String(field[3]), sessions: number(4), basis: String(field[5]),
        answered: number(6))
    }
  }
}
