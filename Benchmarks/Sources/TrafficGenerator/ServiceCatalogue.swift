/// The kinds of traffic of an enterprise, a table of constants.
///
/// Weights and shapes are chosen so that a session has some 26 packets on average, most sessions
/// have two, and a few have thousands. They are guesses at a plausible office, not measurements of
/// one.
enum ServiceCatalogue {
  /// All kinds, in a fixed order. A kind of weight 0 exists only as a follow-up.
  static let all: [ServiceKind] = infrastructure + web + office + servers + groups + failures

  /// DNS, time, directory: what every host needs.
  private static let infrastructure: [ServiceKind] = [
    ServiceKind(
      name: "dns", transport: .udp, port: .fixed(53), provider: .domain, requester: .clients,
      weight: 250, shape: lookup,
      followUp: FollowUp(kind: "https", permille: 250, comesFromServer: false)),
    ServiceKind(
      name: "dns-server", transport: .udp, port: .fixed(53), provider: .domain,
      requester: .anyServer, weight: 70, shape: lookup),
    ServiceKind(
      name: "dns-tcp", transport: .tcp, port: .fixed(53), provider: .domain, requester: .clients,
      weight: 3, shape: SessionShape(response: .pareto(1, alpha: 1.5, upTo: 4))),
    ServiceKind(
      name: "ntp-peer", transport: .udp, port: .fixed(123), provider: .domain,
      requester: .everyone, weight: 8,
      shape: SessionShape(
        rounds: .pareto(4, alpha: 0.8, upTo: 60), requestBytes: 48, responseBytes: 48,
        pauseUs: 64e6, isPeriodic: true), clientPort: .sameAsServer),
    ServiceKind(
      name: "ntp", transport: .udp, port: .fixed(123), provider: .domain, requester: .clients,
      weight: 16, shape: SessionShape(requestBytes: 48, responseBytes: 48)),
    ServiceKind(
      name: "ldap", transport: .tcp, port: .fixed(389), provider: .domain, requester: .clients,
      weight: 18,
      shape: SessionShape(
        rounds: .pareto(2, alpha: 1.5, upTo: 60), response: .pareto(1, alpha: 1.5, upTo: 12),
        pauseUs: 40e3)),
    ServiceKind(
      name: "cldap", transport: .udp, port: .fixed(389), provider: .domain, requester: .clients,
      weight: 10, shape: lookup),
    ServiceKind(
      name: "ldaps", transport: .tcp, port: .fixed(636), provider: .domain, requester: .application,
      weight: 6,
      shape: SessionShape(
        rounds: .pareto(4, alpha: 1.2, upTo: 200), response: .pareto(1, alpha: 1.3, upTo: 20),
        pauseUs: 2e6)),
    ServiceKind(
      name: "kerberos", transport: .udp, port: .fixed(88), provider: .domain, requester: .clients,
      weight: 12, shape: SessionShape(requestBytes: 240, responseBytes: 900)),
    ServiceKind(
      name: "kerberos-tcp", transport: .tcp, port: .fixed(88), provider: .domain,
      requester: .clients, weight: 18,
      // The prefix is a record mark (RFC 4120 section 7.2.2) too large to be read on.
      shape: SessionShape(
        request: .exactly(2), response: .exactly(2), resetPermille: 300,
        payloadPrefix: 0x7FFF_FFFF_0000_0000),
      followUp: FollowUp(kind: "ldap", permille: 200, comesFromServer: false)),
    ServiceKind(
      name: "rpc-mapper", transport: .tcp, port: .fixed(135), provider: .domain,
      requester: .clients, weight: 12, shape: SessionShape(rounds: .exactly(2), pauseUs: 5e3),
      followUp: FollowUp(kind: "rpc", permille: 900, comesFromServer: false)),
    ServiceKind(
      name: "rpc", transport: .tcp, port: .random(49_152...49_999), provider: .domain,
      requester: .clients, weight: 0,
      shape: SessionShape(
        rounds: .pareto(2, alpha: 1.3, upTo: 80), response: .pareto(1, alpha: 1.5, upTo: 8),
        pauseUs: 300e3)),
  ]

  /// Web, proxies, QUIC.
  private static let web: [ServiceKind] = [
    ServiceKind(
      name: "http", transport: .tcp, port: .fixed(80), provider: .web, requester: .clients,
      weight: 60, shape: page,
      followUp: FollowUp(kind: "application", permille: 150, comesFromServer: true)),
    ServiceKind(
      name: "https", transport: .tcp, port: .fixed(443), provider: .web, requester: .clients,
      weight: 50, shape: page,
      followUp: FollowUp(kind: "application", permille: 200, comesFromServer: true)),
    ServiceKind(
      name: "proxy", transport: .tcp, port: .fixed(3128), provider: .proxy, requester: .clients,
      weight: 40, shape: page,
      followUp: FollowUp(kind: "https-edge", permille: 150, comesFromServer: true)),
    ServiceKind(
      name: "proxy-alt", transport: .tcp, port: .fixed(8080), provider: .proxy, requester: .clients,
      weight: 40, shape: page),
    ServiceKind(
      name: "https-edge", transport: .tcp, port: .fixed(443), provider: .edge, requester: .clients,
      weight: 18, shape: page),
    ServiceKind(
      name: "quic", transport: .udp, port: .fixed(443), provider: .edge, requester: .clients,
      weight: 16,
      shape: SessionShape(
        rounds: .pareto(2, alpha: 1.3, upTo: 40), request: .pareto(1, alpha: 2, upTo: 4),
        response: .pareto(2, alpha: 1.2, upTo: 400), requestBytes: 600, responseBytes: 800,
        pauseUs: 300e3)),
    ServiceKind(
      name: "application", transport: .tcp, port: .random(20_000...60_000), provider: .application,
      requester: .web, weight: 4,
      shape: SessionShape(
        rounds: .pareto(1, alpha: 1.1, upTo: 60), response: .pareto(1, alpha: 1.3, upTo: 30),
        pauseUs: 100e3, serverUs: 8000),
      followUp: FollowUp(kind: "postgres", permille: 150, comesFromServer: true)),
  ]

  /// Files, mail, print, telephony, remote work.
  private static let office: [ServiceKind] = [
    ServiceKind(
      name: "smb", transport: .tcp, port: .fixed(445), provider: .file, requester: .clients,
      weight: 17,
      shape: SessionShape(
        rounds: .pareto(4, alpha: 1.3, upTo: 200), request: .pareto(1, alpha: 1.6, upTo: 1000),
        response: .pareto(1, alpha: 1.2, upTo: 4000), pauseUs: 1.5e6)),
    ServiceKind(
      name: "smtp", transport: .tcp, port: .fixed(25), provider: .mail, requester: .application,
      weight: 5, shape: mailing),
    ServiceKind(
      name: "submission", transport: .tcp, port: .fixed(587), provider: .mail,
      requester: .clients, weight: 4, shape: mailing),
    ServiceKind(
      name: "imap", transport: .tcp, port: .fixed(143), provider: .mail, requester: .clients,
      weight: 4, shape: mailbox),
    ServiceKind(
      name: "imaps", transport: .tcp, port: .fixed(993), provider: .mail, requester: .clients,
      weight: 5, shape: mailbox),
    ServiceKind(
      name: "print", transport: .tcp, port: .fixed(9100), provider: .printer, requester: .clients,
      weight: 4,
      shape: SessionShape(request: .pareto(8, alpha: 1.1, upTo: 3000), responseBytes: 40)),
    ServiceKind(
      name: "sip", transport: .udp, port: .fixed(5060), provider: .voice, requester: .clients,
      weight: 6,
      shape: SessionShape(
        rounds: .pareto(2, alpha: 1.5, upTo: 10), response: .exactly(2), requestBytes: 700,
        responseBytes: 500, pauseUs: 8e6)),
    ServiceKind(
      name: "ssh", transport: .tcp, port: .fixed(22), provider: .anyServer, requester: .clients,
      weight: 4,
      shape: SessionShape(
        rounds: .pareto(10, alpha: 0.9, upTo: 1500), requestBytes: 48, responseBytes: 90,
        pauseUs: 1.5e6)),
    ServiceKind(
      name: "rdp", transport: .tcp, port: .fixed(3389), provider: .terminal, requester: .clients,
      weight: 2,
      shape: SessionShape(
        rounds: .pareto(20, alpha: 0.9, upTo: 2000), response: .pareto(1, alpha: 1.8, upTo: 40),
        requestBytes: 60, responseBytes: 500, pauseUs: 400e3)),
    ServiceKind(
      name: "in-house", transport: .tcp, port: .random(20_000...60_000), provider: .inHouse,
      requester: .clients, weight: 16,
      shape: SessionShape(
        rounds: .pareto(2, alpha: 1.1, upTo: 200), response: .pareto(1, alpha: 1.4, upTo: 30),
        pauseUs: 4e6)),
    ServiceKind(
      name: "in-house-udp", transport: .udp, port: .random(20_000...60_000), provider: .inHouse,
      requester: .clients, weight: 10,
      shape: SessionShape(rounds: .pareto(1, alpha: 1, upTo: 50), pauseUs: 500e3)),
  ]

  /// A question and an answer.
  private static let lookup = SessionShape(requestBytes: 50, responseBytes: 180)

  /// A page and what belongs to it.
  private static let page = SessionShape(
    rounds: .pareto(1, alpha: 1.6, upTo: 30), request: .pareto(1, alpha: 2.5, upTo: 20),
    response: .pareto(2, alpha: 1.25, upTo: 20_000), requestBytes: 500, responseBytes: 700,
    pauseUs: 400e3, serverUs: 20_000, resetPermille: 200)

  /// A message handed over.
  private static let mailing = SessionShape(
    rounds: .exactly(5), request: .pareto(1, alpha: 0.9, upTo: 800), responseBytes: 60,
    pauseUs: 20e3)

  /// A mailbox kept open.
  private static let mailbox = SessionShape(
    rounds: .pareto(3, alpha: 1.1, upTo: 100), response: .pareto(1, alpha: 1.2, upTo: 500),
    requestBytes: 60, pauseUs: 20e6)
}
