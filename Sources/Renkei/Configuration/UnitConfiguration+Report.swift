internal import Reporter

extension UnitConfiguration.Report {
  /// The service that is asked for; nil where none is.
  func service() -> ServiceConfiguration? {
    guard let listen else { return nil }
    var service = ServiceConfiguration(
      host: listen.host, port: Int(listen.port), name: "report.listen")
    service.users = users
    service.certificate = certificate
    service.key = key
    service.isInsecure = insecure
    service.allow = allow
    service.accessLog = accessLog
    return service
  }

  /// The same as words for the reporter's process: the options of `ServeOptions` and `MapOptions`.
  var words: [String] {
    guard let listen else { return [] }
    var words = ["--listen=\(listen)"]
    words += users.map { ["--users=\($0)"] } ?? []
    words += certificate.map { ["--certificate=\($0)"] } ?? []
    words += key.map { ["--key=\($0)"] } ?? []
    if insecure { words.append("--insecure") }
    words += allow.map { "--allow=\($0)" }
    words += accessLog.map { ["--access-log=\($0)"] } ?? []
    words += organisation.map { "--organisation=\($0)" }
    if foldOutside { words.append("--fold-outside") }
    if resolve { words.append("--resolve") }
    words += serviceNames.map { ["--service-names=\($0)"] } ?? []
    return words
  }
}
