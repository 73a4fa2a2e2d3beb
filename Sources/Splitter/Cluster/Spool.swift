internal import Cluster
internal import Glibc

/// What waits on disk for a cluster that can't be reached: messages in their order, in files of a directory.
///
/// A segment is a file of entries (`SpoolEntry`), named after its number; entries are appended to the last one and read
/// from the first, and a segment is deleted when all of it was sent. How much of the first one was, is in the file
/// `sent`: where that is not there, or wrong, some of it is sent once more, which the messages' names make harmless. It is
/// written without waiting for the disk, which is asked once a second to keep it: a process that is killed loses nothing, a
/// machine that is, a second. An entry whose end is missing was being written then, and is no entry.
///
/// Used by one thread; of two processes the second is refused.
public final class Spool {
  /// Where the spool ends.
  struct Mark: Equatable {
    var segment: UInt64
    var offset: UInt64
  }

  private let path: String
  private let directory: Int32
  private let lock: Int32
  /// Bytes of all files, at most.
  public let bytesMax: Int
  private let segmentBytesMax: Int
  /// By number, the one that is written last; with their sizes.
  private var segments: [(number: UInt64, bytes: Int)]
  /// The one that is written; nil where the next entry begins a new one.
  private var output: Int32?
  private var nextNumber: UInt64
  /// The one that is read, and how much of it was sent.
  private var input: (number: UInt64, descriptor: Int32)?
  private var sentBytes = 0
  private var unsyncedSince: Double?
  /// Entries that could not be read, at least: what follows one in its segment is not looked at.
  public private(set) var damaged: UInt64 = 0
  /// Where, the last time.
  public private(set) var lastDamage: String?

  /// - Parameters:
  ///   - path: a directory, which is made where it is missing (but not those it is in).
  ///   - bytesMax: of all its files; 0: nothing is kept but what was perhaps sent.
  /// - Throws: `SpoolError`.
  public init(path: String, bytesMax: Int) throws(SpoolError) {
    if mkdir(path, 0o700) != 0 && errno != EEXIST { throw SpoolError("make", path) }
    let directory = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw SpoolError("open", path) }
    let lock = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let error = SpoolError("lock", path, errno == EWOULDBLOCK ? EBUSY : errno)
      if lock >= 0 { close(lock) }
      close(directory)
      throw error
    }
    self.path = path
    self.directory = directory
    self.lock = lock
    self.bytesMax = bytesMax
    segmentBytesMax = max(64 << 10, min(64 << 20, bytesMax / 8))
    segments = Spool.found(directory)
    nextNumber = (segments.last?.number ?? 0) + 1
    readSent()
  }

  deinit {
    if let output { close(output) }
    if let input { close(input.descriptor) }
    close(lock)
    close(directory)
  }

  /// The segments of a directory, in their order.
  private static func found(_ directory: Int32) -> [(number: UInt64, bytes: Int)] {
    // closedir closes the descriptor that it is given.
    guard let stream = fdopendir(fcntl(directory, F_DUPFD_CLOEXEC, 3)) else { return [] }
    defer { closedir(stream) }
    rewinddir(stream)
    var found: [(number: UInt64, bytes: Int)] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasSuffix(".spool"), let number = UInt64(name.dropLast(6)), number > 0,
        name == Spool.name(number)
      else { continue }
      var facts = stat()
      guard fstatat(directory, name, &facts, AT_SYMLINK_NOFOLLOW) == 0,
        facts.st_mode & S_IFMT == S_IFREG
      else { continue }
      found.append((number, Int(facts.st_size)))
    }
    return found.sorted { $0.number < $1.number }
  }

  /// 0000000000000007.spool
  private static func name(_ number: UInt64) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 16 - digits.count)) + digits + ".spool"
  }

  // MARK: - How much there is

  /// Whether everything was sent.
  public var isEmpty: Bool { segments.isEmpty }

  /// Bytes of all files.
  public var bytes: Int { segments.reduce(0) { $0 + $1.bytes } }

  /// Bytes that wait.
  public var waitingBytes: Int { bytes - sentBytes }

  // MARK: - Writing

  /// Where the next entry will be.
  var mark: Mark {
    guard output != nil, let last = segments.last else {
      return Mark(segment: nextNumber, offset: 0)
    }
    return Mark(segment: last.number, offset: UInt64(last.bytes))
  }

  /// Takes back everything behind `mark`, of which nothing was sent.
  func rewind(to mark: Mark) {
    if let output { close(output) }
    output = nil
    // A step that is taken more than once must find its own segments each time.
    nextNumber = max(nextNumber, mark.segment)
    while let last = segments.last, last.number >= mark.segment {
      if last.number == mark.segment && mark.offset > 0 {
        let end = min(Int(mark.offset), last.bytes)
        if truncateat(last.number, to: end) { segments[segments.count - 1].bytes = end }
        break
      }
      remove(last.number)
      segments.removeLast()
    }
  }

  /// Appends entries, all or none of them.
  ///
  /// - Parameter isForced: takes them even past `bytesMax`; for what was perhaps sent.
  /// - Returns: false where there is no room, here or on the disk.
  /// - Throws: `SpoolError` where the disk can't be written for another reason.
  func append(_ entries: [LogEntry], isForced: Bool, now: Double) throws(SpoolError) -> Bool {
    let size = entries.reduce(0) { $0 + SpoolEntry.bytes($1) }
    guard isForced || bytes + size <= bytesMax else { return false }
    let before = mark
    var chunk: [UInt8] = []
    do {
      for entry in entries {
        SpoolEntry.append(entry, to: &chunk)
        if chunk.count >= 1 << 20 {
          try write(chunk)
          chunk.removeAll(keepingCapacity: true)
        }
      }
      if !chunk.isEmpty { try write(chunk) }
    } catch {
      rewind(to: before)
      if error.isFull { return false }
      throw error
    }
    unsyncedSince = unsyncedSince ?? now
    return true
  }

  private func write(_ chunk: [UInt8]) throws(SpoolError) {
    if output == nil || (segments.last?.bytes ?? 0) >= segmentBytesMax { try begin() }
    guard let output else { return }
    var done = 0
    while done < chunk.count {
      let written = chunk.withUnsafeBytes {
        // SAFETY: `done` is less than its count.
        Glibc.write(output, $0.baseAddress! + done, $0.count - done)
      }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw SpoolError("write", path) }
      done += written
      segments[segments.count - 1].bytes += written
    }
  }

  /// Begins a new segment.
  private func begin() throws(SpoolError) {
    if let output {
      fdatasync(output)
      close(output)
    }
    output = nil
    let descriptor = openat(
      directory, Spool.name(nextNumber), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SpoolError("write", path) }
    segments.append((nextNumber, 0))
    nextNumber += 1
    output = descriptor
  }

  /// Asks the disk to keep what was written, if that is a second ago or `isNow`.
  func sync(now: Double, isNow: Bool = false) {
    guard let since = unsyncedSince, isNow || now >= since + 1 else { return }
    if let output { fdatasync(output) }
    fsync(directory)
    unsyncedSince = nil
  }

  // MARK: - Reading

  /// The next entries that can go out together: no two of one subject, so that one which fails comes before those
  /// behind it. Empty where everything was sent.
  ///
  /// - Parameter bytesMax: of all together, but for the first one.
  func next(bytesMax: Int) -> Portion {
    var portion = Portion()
    while let first = segments.first {
      var bytes = 0
      var subjects = Set<String>()
      while true {
        switch read(first.number, at: sentBytes + portion.bytes) {
        case .entry(let entry, let size):
          if !portion.entries.isEmpty && bytes + size > bytesMax { return portion }
          guard subjects.insert(entry.subject).inserted else { return portion }
          portion.entries.append(entry)
          portion.ends.append(portion.bytes + size)
          bytes += size
          continue
        case .damaged where portion.entries.isEmpty:
          damaged += 1
          lastDamage = "\(path)/\(Spool.name(first.number)) at byte \(sentBytes)"
        case .damaged, .end: break
        }
        break
      }
      if !portion.entries.isEmpty { return portion }
      removeFirst()
    }
    return portion
  }

  /// Entries that are to be sent.
  struct Portion {
    var entries: [LogEntry] = []
    /// By entry: bytes of the portion up to its end.
    fileprivate var ends: [Int] = []
    fileprivate var bytes: Int { ends.last ?? 0 }
  }

  /// The first `count` entries of a portion, which `next` gave last, are where they belong.
  func sent(_ count: Int, of portion: Portion) {
    guard count > 0 else { return }
    sentBytes += portion.ends[count - 1]
    if let first = segments.first, sentBytes >= first.bytes {
      removeFirst()
    } else {
      writeSent()
    }
  }

  private enum Read {
    case entry(LogEntry, size: Int)
    case damaged
    /// Nothing more, or what was being written when the machine stopped.
    case end
  }

  private func read(_ number: UInt64, at offset: Int) -> Read {
    if input?.number != number {
      if let input { close(input.descriptor) }
      input = nil
      let descriptor = openat(directory, Spool.name(number), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { return .damaged }
      input = (number, descriptor)
    }
    guard let descriptor = input?.descriptor,
      let header = bytes(SpoolEntry.headerBytes, of: descriptor, at: offset)
    else { return .end }
    guard let (length, crc) = header.withUnsafeBytes({ SpoolEntry.header($0) }) else {
      // A file that had grown and whose blocks were not written ends in zeros.
      return header.allSatisfy { $0 == 0 } ? .end : .damaged
    }
    guard let body = bytes(length, of: descriptor, at: offset + header.count) else { return .end }
    guard let entry = body.withUnsafeBytes({ SpoolEntry.read($0, crc: crc) }) else {
      return .damaged
    }
    return .entry(entry, size: header.count + length)
  }

  /// nil where there are not so many.
  private func bytes(_ count: Int, of descriptor: Int32, at offset: Int) -> [UInt8]? {
    var done = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      while done < count {
        // SAFETY: `done` is less than its count, which is not 0.
        let got = pread(descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
        if got < 0 && errno == EINTR { continue }
        if got <= 0 { break }
        done += got
      }
      initialized = done
    }
    return done == count ? bytes : nil
  }

  private func removeFirst() {
    let first = segments.removeFirst()
    if segments.isEmpty, let output {
      close(output)
      self.output = nil
    }
    if let input { close(input.descriptor) }
    input = nil
    sentBytes = 0
    remove(first.number)
    unlinkat(directory, "sent", 0)
  }

  // MARK: - Files

  private func remove(_ number: UInt64) {
    if input?.number == number, let descriptor = input?.descriptor {
      close(descriptor)
      input = nil
    }
    unlinkat(directory, Spool.name(number), 0)
  }

  private func truncateat(_ number: UInt64, to bytes: Int) -> Bool {
    let descriptor = openat(directory, Spool.name(number), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return ftruncate(descriptor, off_t(bytes)) == 0
  }

  /// Segment and bytes, and both of them once more, inverted.
  private func writeSent() {
    guard let first = segments.first else { return }
    let descriptor = openat(directory, "sent", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let words = [first.number, UInt64(sentBytes), ~first.number, ~UInt64(sentBytes)]
    _ = words.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  private func readSent() {
    guard let first = segments.first else { return }
    let descriptor = openat(directory, "sent", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var words = [UInt64](repeating: 0, count: 4)
    let got = words.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard got == 32, words[0] == ~words[2], words[1] == ~words[3], words[0] == first.number,
      words[1] <= UInt64(first.bytes)
    else { return }
    sentBytes = Int(words[1])
  }
}

/// The spool can't be used.
public struct SpoolError: Error, CustomStringConvertible {
  public let action: String
  public let path: String
  public let errno: Int32

  init(_ action: String, _ path: String, _ number: Int32 = Glibc.errno) {
    self.action = action
    self.path = path
    errno = number
  }

  /// Whether it is for want of room.
  var isFull: Bool { [ENOSPC, EDQUOT, EFBIG].contains(errno) }

  public var description: String {
    errno == EBUSY && action == "lock"
      ? "\(path): another process uses this spool; each needs its own"
      : "\(path): the spool: could not \(action): \(String(cString: strerror(errno)))"
  }
}
