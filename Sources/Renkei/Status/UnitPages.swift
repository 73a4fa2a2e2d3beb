internal import Reporter
internal import Wire

/// What the unit's service answers.
struct UnitPages: SitePages {
  let directory: String
  let version: String

  func answer(_ request: SiteRequest) async -> ServicePage {
    self[request.path] ?? ServicePage(status: 404, text: "no such page\n")
  }

  /// There are none: who wants the newest figures asks for them.
  func events() -> AsyncStream<String> { AsyncStream { $0.finish() } }

  /// The page of a path; nil where there is none. The status is read anew for each.
  subscript(path: String) -> ServicePage? {
    switch path {
    case "/metrics":
      page { status, _ in
        ServicePage(
          type: PrometheusText.mediaType, body: [UInt8](status.metrics(version: version).utf8))
      }
    case "/status.json":
      page { status, _ in
        ServicePage(type: "application/json", body: try status.json())
      }
    case "/healthz":
      page { status, condition in
        status.illness(condition).map { ServicePage(status: 503, text: "\($0)\n") }
          ?? ServicePage(text: "ok\n")
      }
    default: nil
    }
  }

  /// For the pages of the map; without a status, what there is instead.
  func health(_ language: ReportLanguage) -> SiteHealth {
    do {
      let status = try UnitStatus.read(from: directory)
      return StatusText(
        status, condition: UnitCondition(of: status), now: Clock.wallSeconds(), language: language,
        version: version
      ).health
    } catch {
      return SiteHealth(problems: ["\(error)"], summary: "", tables: [])
    }
  }

  /// Without a status there are no figures either: 503 with the reason, so that no old ones are taken for new.
  private func page(_ body: (UnitStatus, UnitCondition) throws -> ServicePage) -> ServicePage {
    do {
      let status = try UnitStatus.read(from: directory)
      return try body(status, UnitCondition(of: status))
    } catch {
      return ServicePage(status: 503, text: "\(error)\n")
    }
  }
}
