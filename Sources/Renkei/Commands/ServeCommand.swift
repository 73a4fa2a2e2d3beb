internal import ArgumentParser
internal import CLinux
internal import Foundation
internal import Glibc
internal import Reporter
internal import ServiceMap

/// Stage: metrics, status and health over HTTP, and the map's pages. It knows the unit by its `status.json`
/// and its store only.
struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Stage: metrics, health and pages over HTTP.",
    shouldDisplay: false)

  @Option(help: .hidden) var parent: Int32
  @Option(help: .hidden) var directory: String
  /// Where metrics are served, on the loopback.
  @Option(help: .hidden) var metrics: String?
  /// Where the pages are.
  @OptionGroup var report: ServeOptions
  @Option(help: .hidden) var store: String?
  /// How its pages are made.
  @OptionGroup(visibility: .hidden) var options: MapOptions
  /// As every stage is given; this one has nothing to tell.
  @Option(help: .hidden) var statusFd: Int32?
  @Option(help: .hidden) var process: Int?
  @Option(help: .hidden) var user: UserAndGroup?

  func run() throws {
    renkei_set_process_name("renkei-serve")
    renkei_die_with_parent(parent)
    if user != nil || geteuid() != 0 { try Privileges.drop(to: user, parent: parent) }
    // Ctrl-C reaches the whole group; the supervisor decides what it means.
    signal(SIGINT, SIG_IGN)
    // There is nothing to lose here: who asks meanwhile asks again.
    signal(SIGTERM) { _ in _exit(0) }
    // Whoever started it may have blocked signals.
    var ending = sigset_t()
    sigemptyset(&ending)
    sigaddset(&ending, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &ending, nil)
    let services = try self.services()
    try Self.waitFor {
      try await withThrowingTaskGroup { group in
        for service in services { group.addTask { try await service.run() } }
        try await group.waitForAll()
      }
    }
  }

  /// - Throws: `RunError`, `ValidationError`, `ServiceError`.
  private func services() throws -> [ReportService] {
    let pages = UnitPages(directory: directory, version: RenkeiCommand.version)
    var services: [ReportService] = []
    if let metrics {
      guard let address = ListenAddress(metrics) else {
        throw RunError("--metrics \(metrics): write 127.0.0.1:9477 or [::1]:9477")
      }
      var configuration = ServiceConfiguration(
        host: address.host, port: Int(address.port), name: "metrics.listen")
      configuration.isForLoopbackOnly = true
      configuration.eventStreamsMax = 0
      configuration.limits.connectionsMax = 32
      services.append(try ServiceRunner.service(configuration, pages: pages))
    }
    if var configuration = try report.configuration() {
      configuration.name = "report.listen"
      guard let store else { throw ValidationError("--listen: for what --store has") }
      let source = MapSource(try options.source(of: store))
      Task.detached { await source.follow() }
      // What a unit writes grows without end; a day of it is what most want to see.
      let site = try ReportSite(
        source: source, usual: .last(seconds: 86_400), version: RenkeiCommand.version,
        health: { pages.health($0) })
      services.append(try ServiceRunner.service(configuration, pages: site))
    }
    guard !services.isEmpty else {
      throw ValidationError("--metrics or --listen: nothing to serve")
    }
    return services
  }

  /// Runs `body` on the pool's threads while this one waits: the command line is not asynchronous.
  private static func waitFor(_ body: @escaping @Sendable () async throws -> Void) throws {
    final class Outcome: @unchecked Sendable {
      // Unchecked because the semaphore orders the one write before the one read.
      var error: (any Error)?
    }
    let outcome = Outcome()
    let done = DispatchSemaphore(value: 0)
    Task.detached {
      do { try await body() } catch { outcome.error = error }
      done.signal()
    }
    done.wait()
    if let error = outcome.error { throw error }
  }
}
