internal import Collector
internal import Glibc
internal import Reporter

/// How a configuration fits the machine it is on.
struct MachineCheck {
  /// What is wrong on every machine.
  private(set) var problems: [String] = []
  /// What does not fit this one, now.
  private(set) var warnings: [String] = []

  init(_ configuration: UnitConfiguration) {
    checkFilter(configuration.filter)
    checkInterfaces(configuration.interfaces)
    let user = checkUser(configuration.run.user)
    checkWritable("store.path", folder: MachineCheck.folder(of: configuration.store.path), user)
    checkWritable("run.directory", folder: configuration.run.directory, user)
    checkReadable("names", configuration.names)
    checkReport(configuration.report, user)
    checkReadable("roles", configuration.roles.map { [$0] } ?? [])
  }

  private mutating func checkFilter(_ filter: String) {
    do {
      try CaptureFilter.check(filter)
    } catch {
      problems.append("filter: \(error)")
    }
  }

  private mutating func checkInterfaces(_ interfaces: [UnitConfiguration.Interface]) {
    let there = MachineCheck.interfaceNames
    if interfaces.isEmpty {
      warnings.append("interfaces: none; `renkei run` needs one, here or with -i")
    }
    for interface in interfaces where interface.name != "any" && !there.contains(interface.name) {
      warnings.append(
        "interfaces: there is no \"\(interface.name)\" on this machine; there are "
          + there.joined(separator: ", "))
    }
  }

  /// Names of this machine's interfaces, as if_nameindex(3) has them.
  static var interfaceNames: [String] {
    guard let list = if_nameindex() else { return [] }
    defer { if_freenameindex(list) }
    var names: [String] = []
    var entry = list
    while entry.pointee.if_index != 0, let name = entry.pointee.if_name {
      names.append(String(cString: name))
      entry += 1
    }
    return names
  }

  /// The user that will write; nil where it is this one.
  private mutating func checkUser(_ name: String?) -> SystemUser? {
    guard let name else { return nil }
    // Only root can become another.
    guard geteuid() == 0 else { return nil }
    if let user = SystemUser(name: name) { return user }
    warnings.append(
      "run.user: there is no user \"\(name)\" on this machine; the package makes it, as does "
        + "`adduser --system --group \(name)`")
    return nil
  }

  private mutating func checkWritable(_ key: String, folder: String, _ user: SystemUser?) {
    var status = stat()
    guard stat(folder, &status) == 0 else {
      let reason = errno == ENOENT ? "is not there" : String(cString: strerror(errno)).lowercased()
      warnings.append("\(key): the directory \(folder) \(reason)")
      return
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      warnings.append("\(key): \(folder) is no directory")
      return
    }
    let isWritable = user.map { $0.mayWrite(status) } ?? (access(folder, W_OK | X_OK) == 0)
    if !isWritable {
      let who = user.map { "the user \"\($0.name)\"" } ?? "this user"
      warnings.append("\(key): \(who) may not write to \(folder)")
    }
  }

  private mutating func checkReport(_ report: UnitConfiguration.Report, _ user: SystemUser?) {
    checkReadable("report.serviceNames", report.serviceNames.map { [$0] } ?? [])
    if let log = report.accessLog {
      checkWritable("report.accessLog", folder: MachineCheck.folder(of: log), user)
    }
    guard let service = report.service() else { return }
    do {
      try ReportService.check(service)
    } catch {
      warnings.append("\(error)")
    }
  }

  private mutating func checkReadable(_ key: String, _ files: [String]) {
    for file in files where access(file, R_OK) != 0 {
      warnings.append("\(key): \(file): \(String(cString: strerror(errno)).lowercased())")
    }
  }

  /// `/var/lib/renkei` of `/var/lib/renkei/map.db`.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
