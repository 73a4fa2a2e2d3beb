internal import ArgumentParser
internal import Reporter
internal import ServiceMap

/// Where pages are served, and to whom: `report --listen` and the unit's reporter.
struct ServeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Serve the map's pages over HTTP instead of writing a report. Without ADDR on 127.0.0.1.",
      valueName: "[addr:]port"))
  var listen: String?

  @Option(
    help: ArgumentHelp(
      "Who may read, made by `renkei user add`. Default: anybody on the loopback, "
        + "\(ServiceConfiguration.defaultUsers) elsewhere.", valueName: "file"))
  var users: String?

  @Option(help: ArgumentHelp("The certificate with its chain, in PEM.", valueName: "file"))
  var certificate: String?

  @Option(help: ArgumentHelp("The certificate's key, in PEM.", valueName: "file"))
  var key: String?

  @Flag(help: "Let passwords cross the network in the clear: without a certificate.")
  var insecure = false

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Answer requests from this network only. May be given several times.", valueName: "cidr"))
  var allow: [String] = []

  @Option(
    help: ArgumentHelp(
      "Write a line of JSON for each request to FILE. Default: to standard error, on the loopback "
        + "those that are refused.", valueName: "file"))
  var accessLog: String?

  func validate() throws { _ = try configuration() }

  /// What the options ask for; nil without `--listen`.
  ///
  /// - Throws: `ValidationError` where a value is none, or an option needs `--listen`.
  func configuration() throws -> ServiceConfiguration? {
    guard let listen else {
      let others: [(String, Bool)] = [
        ("--users", users != nil), ("--certificate", certificate != nil), ("--key", key != nil),
        ("--insecure", insecure), ("--allow", !allow.isEmpty), ("--access-log", accessLog != nil),
      ]
      if let other = others.first(where: \.1) {
        throw ValidationError("\(other.0) goes with --listen")
      }
      return nil
    }
    let isPort = !listen.isEmpty && listen.allSatisfy { ("0"..."9").contains($0) }
    guard let address = ListenAddress(isPort ? "127.0.0.1:\(listen)" : listen) else {
      throw ValidationError("--listen \(listen): write 9478, 127.0.0.1:9478 or [::1]:9478")
    }
    var service = ServiceConfiguration(
      host: address.host, port: Int(address.port), name: "--listen")
    service.users = users
    service.certificate = certificate
    service.key = key
    service.isInsecure = insecure
    service.allow = try allow.map { text in
      guard let network = Prefix(text) else {
        throw ValidationError("--allow \(text): write a network such as 10.0.0.0/8")
      }
      return network
    }
    service.accessLog = accessLog
    return service
  }
}
