internal import ArgumentParser
internal import Glibc

/// The command line. Exit status: 0 done; 1 an operating error, said in one line; 2 wrong usage; 128
/// and the signal's number after SIGINT or SIGTERM.
@main
struct RenkeiCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "renkei",
    abstract: "Find out from packets alone which host provides which service to whom.",
    discussion: """
      renkei reads packets, keeps 19 bytes of each one's headers and no payload, tracks the \
      sessions, judges which endpoint is the server and how sure that is, and reports for every \
      host what it provides and what it requests.

      Examples:
        renkei audit -r trace.pcap                    trace.html, to hand over
        renkei audit -r a.pcapng -r b.pcap.gz -o out.html 'net 10.0.0.0/8'
        renkei audit -r trace.pcap --format json | jq .summary
        renkei audit -r trace.pcap -o map.db -o report.html
        renkei report --store map.db -o again.html
        sudo renkei audit -i eth0 --for 10m           from an interface: eth0.html
        sudo renkei run -i eth0 --store map.db        day and night; renkei status
        renkei why 10.0.0.5:8080/tcp --store map.db   the evidence behind one verdict
        renkei map --store map.db -o map.svg          the dependencies as a picture
      """,
    version: "renkei \(version)",
    subcommands: [
      AuditCommand.self, RunCommand.self, ReportCommand.self, MapCommand.self, WhyCommand.self,
      StoreCommand.self, AnonymiseCommand.self, CheckCommand.self, StatusCommand.self,
      UserCommand.self, ClusterCommand.self,
      EvidenceCommand.self,
      ClusterCollectCommand.self, ClusterTrackCommand.self, ClusterMergeCommand.self,
      StageCommand.self, ServeCommand.self,
    ])

  /// Started with closed standard descriptors (cron, some daemons), the first files opened would
  /// take their numbers.
  private static func openStandardDescriptors() {
    var descriptor = open("/dev/null", O_RDWR)
    while (0...2).contains(descriptor) { descriptor = open("/dev/null", O_RDWR) }
    if descriptor > 2 { close(descriptor) }
  }

  static func main() {
    // A reader that goes away (`renkei … | head`) is noticed at the write, not by a signal.
    signal(SIGPIPE, SIG_IGN)
    // A file that may not grow is an error of write(2) like a full disk.
    signal(SIGXFSZ, SIG_IGN)
    openStandardDescriptors()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      switch exitCode(for: error) {
      case .success:
        print(fullMessage(for: error))
        Glibc.exit(0)
      case .validationFailure:
        Terminal.standardError(fullMessage(for: error) + "\n")
        Glibc.exit(2)
      case let code where error is ExitCode:
        Glibc.exit(code.rawValue)
      default:
        Terminal.standardError("renkei: \(Terminal.oneLine("\(error)"))\n")
        Glibc.exit(1)
      }
    }
  }
}
