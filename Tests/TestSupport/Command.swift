public import Foundation

/// The built `renkei`, run as its user would.
public enum Command {
  public struct Result: Sendable {
    public let status: Int32
    public let output: Data
    public let errors: String
    public let seconds: Double

    public var text: String { String(decoding: output, as: UTF8.self) }
    public var json: [String: Any]? {
      (try? JSONSerialization.jsonObject(with: output)) as? [String: Any]
    }
  }

  /// Beside the running test bundle; `RENKEI_BINARY` names another, such as a sanitizer's.
  public static let renkei: String = {
    if let path = ProcessInfo.processInfo.environment["RENKEI_BINARY"] { return path }
    let here = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return (here as NSString).deletingLastPathComponent + "/renkei"
  }()

  /// The repository.
  public static let root: String = {
    var path = #filePath as NSString
    for _ in 0..<3 { path = path.deletingLastPathComponent as NSString }
    return path as String
  }()

  /// Runs `renkei`; as the other `run`.
  public static func run(
    _ arguments: [String], input: Data? = nil, in directory: String? = nil,
    environment: [String: String] = [:], limitSeconds: Double = 120
  ) throws -> Result {
    try run(
      renkei, arguments, input: input, in: directory, environment: environment,
      limitSeconds: limitSeconds)
  }

  /// Runs a command to its end, at most `limitSeconds`; one that takes longer is killed, and its
  /// status is then -1.
  public static func run(
    _ path: String, _ arguments: [String], input: Data? = nil, in directory: String? = nil,
    environment: [String: String] = [:], limitSeconds: Double = 120
  ) throws -> Result {
    let folder = try TemporaryDirectory()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files rather than pipes, so that no amount of output can block the child.
    let output = try folder.write(Data(), to: "stdout")
    let errors = try folder.write(Data(), to: "stderr")
    let given = try folder.write(input ?? Data(), to: "stdin")
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: given))
    let began = Date()
    try process.run()
    var isLate = false
    while process.isRunning {
      if Date().timeIntervalSince(began) > limitSeconds {
        process.terminate()
        usleep(300_000)
        kill(process.processIdentifier, SIGKILL)
        isLate = true
        break
      }
      usleep(2_000)
    }
    process.waitUntilExit()
    return Result(
      status: isLate ? -1 : process.terminationReason == .exit ? process.terminationStatus : -2,
      output: try Data(contentsOf: URL(fileURLWithPath: output)),
      errors: String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: errors)), as: UTF8.self),
      seconds: Date().timeIntervalSince(began))
  }
}
