internal import Dispatch
internal import Glibc
internal import Reporter
internal import Synchronization

/// Serves pages until somebody ends it.
enum ServiceRunner {
  /// Serves until SIGINT or SIGTERM, and says on standard error where, once requests are answered.
  ///
  /// Who is in the middle of an answer then is cut off: nothing is lost by asking again.
  ///
  /// - Throws: `ServiceError`.
  static func run(_ configuration: ServiceConfiguration, pages: any SitePages) throws {
    let service = try service(configuration, pages: pages)
    // Blocked here and in every thread to come; taken by this one.
    var ending = sigset_t()
    sigemptyset(&ending)
    sigaddset(&ending, SIGINT)
    sigaddset(&ending, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &ending, nil)
    let failure = Mutex<(any Error)?>(nil)
    let own = getpid()
    let serving = Task.detached {
      do {
        try await service.run { port in
          let address = configuration.address(port: port ?? configuration.port)
          Terminal.standardError("renkei: \(Terminal.oneLine(address))\n")
        }
      } catch {
        failure.withLock { $0 = error }
      }
      // Wakes the thread that waits below.
      kill(own, SIGTERM)
    }
    var taken: Int32 = 0
    sigwait(&ending, &taken)
    serving.cancel()
    if let error = failure.withLock({ $0 }) { throw error }
  }

  /// A service whose access log goes where the configuration says.
  ///
  /// - Throws: `ServiceError`.
  static func service(
    _ configuration: ServiceConfiguration, pages: any SitePages
  ) throws(ServiceError) -> ReportService {
    let log = try AccessLog(configuration)
    return try ReportService(
      configuration, pages: pages, log: { log.write($0) },
      note: { Terminal.standardError("renkei: \(Terminal.oneLine($0))\n") })
  }
}
