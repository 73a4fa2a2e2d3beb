internal import Glibc

/// A unit in the foreground, as a service manager wants it: tells that how it is, writes the status, and starts over when
/// the configuration has changed.
struct UnitForeground {
  var configuration: UnitConfiguration
  var configurationPath: String?
  var plan: UnitPlan
  /// The keys that have changed in the configuration.
  var differences: () throws -> [String]

  /// Runs until a signal ends it, or all files are read.
  ///
  /// - Throws: `StageFailed`, `Interrupted`; `RunError` where it can't start over.
  func run(_ notify: SdNotify) throws {
    let unit = UnitSupervisor(configuration, plan) { line in
      Terminal.standardError("renkei: \(Terminal.oneLine(line))\n")
    }
    let observer = UnitObserver()
    observer.configurationPath = configurationPath
    var isReady = false
    let end = try unit.run(
      reload: { reload(observer, notify) },
      tick: { unit in
        let status = observer.status(of: unit)
        // Files may be read beside a unit that captures, and the status is that one's.
        do {
          if !plan.readsFiles { try status.write(to: configuration.run.directory) }
        } catch {
          observer.warnings = ["\(error)"]
        }
        notify.watchdog()
        switch unit.state {
        case .capturing where !isReady:
          isReady = true
          notify.ready("capturing from \(Set(plan.interfaces).sorted().joined(separator: ", "))")
        case .draining: notify.stopping("taking in what is on its way")
        default: break
        }
      })
    if case .reload = end {
      notify.showToChildren()
      try startOver()
    }
  }

  private func reload(_ observer: UnitObserver, _ notify: SdNotify) -> Bool {
    do {
      let changed = try differences()
      guard !changed.isEmpty else {
        Terminal.standardError("renkei: the configuration has not changed\n")
        return false
      }
      Terminal.standardError("renkei: taking over \(changed.joined(separator: ", "))\n")
      notify.reloading()
      return true
    } catch {
      let reason = Terminal.oneLine("\(error)")
      observer.warnings = ["the configuration was not taken over: \(reason)"]
      Terminal.standardError("renkei: the configuration was not taken over: \(reason)\n")
      return false
    }
  }

  /// Becomes a new supervisor under the same process number, with the configuration as it is now.
  private func startOver() throws {
    var words = CommandLine.arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
    execv("/proc/self/exe", &words)
    throw RunError("could not start over: \(String(cString: strerror(errno)))")
  }
}
