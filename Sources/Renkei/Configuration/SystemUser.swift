internal import Glibc

/// A user of this machine with the groups it is in.
struct SystemUser: Equatable, Sendable {
  let name: String
  let uid: uid_t
  let gid: gid_t
  let groups: [gid_t]

  init(name: String, uid: uid_t, gid: gid_t, groups: [gid_t]) {
    self.name = name
    self.uid = uid
    self.gid = gid
    self.groups = groups
  }

  /// nil where there is none of this name.
  init?(name: String) {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
      return nil
    }
    // One more than Linux allows (NGROUPS_MAX).
    var count: Int32 = 65_537
    var groups = [gid_t](repeating: 0, count: Int(count))
    guard getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else { return nil }
    self.init(
      name: name, uid: entry.pw_uid, gid: entry.pw_gid, groups: Array(groups[..<Int(count)]))
  }

  /// Whether the mode lets this user make files in a directory. Access control lists and read-only
  /// file systems are not looked at.
  func mayWrite(_ directory: stat) -> Bool {
    if uid == 0 { return true }
    let bits: mode_t
    if directory.st_uid == uid {
      bits = directory.st_mode >> 6
    } else if directory.st_gid == gid || groups.contains(directory.st_gid) {
      bits = directory.st_mode >> 3
    } else {
      bits = directory.st_mode
    }
    return bits & 3 == 3
  }
}
