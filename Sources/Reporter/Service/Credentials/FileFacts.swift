internal import CLinux

/// What inode(7) says of a file; equal as long as the file has not been changed or replaced.
struct FileFacts: Equatable {
  let size: UInt64
  /// Type and permissions.
  let mode: UInt32
  let owner: UInt32
  let group: UInt32
  private let inode: [UInt64]

  /// nil where it can't be looked at.
  init?(path: String) { self.init(path, descriptor: -1) }

  /// nil where it is none.
  init?(descriptor: Int32) { self.init(nil, descriptor: descriptor) }

  private init?(_ path: String?, descriptor: Int32) {
    var facts = renkei_file_facts()
    guard renkei_file_facts(path, descriptor, &facts) == 0 else { return nil }
    size = facts.size
    mode = facts.mode
    owner = facts.owner
    group = facts.group
    inode = [facts.device, facts.inode, facts.seconds, facts.nanoseconds]
  }

  /// S_IFREG of S_IFMT.
  var isRegular: Bool { mode & 0o170_000 == 0o100_000 }
}
