internal import ArgumentParser
internal import Cluster
internal import Foundation
internal import Wire

extension ClusterCommand {
  struct Forget: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "forget",
      abstract: "Take a process that will not come back out of a cluster.",
      usage: "renkei cluster forget ROLE NAME -c FILE",
      discussion: """
        Of a merger, the streams keep everything that it has not committed until it is forgotten. What another \
        process left, its entry in the status, goes by itself after an hour. A process that lives is not forgotten.

        Example:
          renkei cluster forget merger office-2 -c admin.yaml

        Exit status: 0 done; 1 an error, or there is no such process; 2 wrong usage.
        """)

    @OptionGroup var file: FileOption
    @Argument(
      help: "collector, tracker or merger.",
      transform: { word in
        guard let role = ProcessStatus.Role(rawValue: word) else {
          throw ValidationError("\(word): collector, tracker or merger")
        }
        return role
      }) var role: ProcessStatus.Role
    @Argument(help: "Its name in the cluster.") var name: String

    func validate() throws {
      guard ClusterSubject.isName(name) else {
        throw ValidationError("\(name): a name has letters, digits, - and _, 32 at most")
      }
    }

    func run() throws {
      let link = try ClusterConfiguration.load(path: file.path).connected()
      var observer = ClusterObserver()
      while true {
        let condition = try observer.look(at: link, streams: [], now: Clock.seconds())
        let member = condition.members.first { $0.status.role == role && $0.status.name == name }
        if member?.isAlive == true {
          throw RunError("\(role.rawValue) \(name) lives; stop it first")
        }
        if member == nil || observer.isSettled(now: Clock.seconds()) { break }
        Thread.sleep(forTimeInterval: 0.3)
      }
      guard try ClusterMember.forget(role, name, in: link) else {
        throw RunError("there is no \(role.rawValue) \(name)")
      }
    }
  }
}
