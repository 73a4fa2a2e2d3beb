internal import Glibc

/// What the supervisor wants to know about capture files before anything starts.
public struct CaptureFilesFacts: Sendable, Equatable {
  /// In the order in which they are to be read.
  public var paths: [String]
  /// Sizes on disk, as `StatusBoard.Field.inputBytesTotal` wants them; 0 where one of them is
  /// standard input or another stream, whose end is unknown.
  public var totalBytes: UInt64
}

/// Looks at capture files without reading more of them than their first packet.
public enum CaptureFiles {
  /// Checks that each file opens and begins like a capture, and puts them in the order of their
  /// first packets. Files without packets come last; where two begin at the same time, or one is a
  /// stream ("-", a pipe), whose first packet cannot be looked at, the given order stays.
  ///
  /// - Throws: `CollectorError` about the first file that cannot be read.
  public static func inspect(_ paths: [String]) throws -> CaptureFilesFacts {
    var totalBytes: UInt64 = 0
    var hasStream = false
    var beginnings: [(path: String, ns: UInt64)] = []
    for path in paths {
      if isStream(path) {
        hasStream = true
        beginnings.append((path, 0))
        continue
      }
      var finder = FirstPacketFinder()
      let reader = try CaptureReader(path: path)
      do {
        if let damage = try reader.read(into: &finder) {
          throw CollectorError.damaged(file: path, damage: damage)
        }
        beginnings.append((path, .max))
      } catch let found as FirstPacketFinder.Found {
        beginnings.append((path, found.timestampNs))
      }
      totalBytes += size(path)
    }
    if !hasStream {
      // Swift's sort is stable in fact but not by contract; the position makes it so.
      let order = beginnings.indices.sorted {
        (beginnings[$0].ns, $0) < (beginnings[$1].ns, $1)
      }
      beginnings = order.map { beginnings[$0] }
    }
    return CaptureFilesFacts(
      paths: beginnings.map(\.path), totalBytes: hasStream ? 0 : totalBytes)
  }

  /// Standard input, a pipe or a device: opening it may wait, and reading takes something away.
  private static func isStream(_ path: String) -> Bool {
    if path == "-" { return true }
    var facts = stat()
    guard stat(path, &facts) == 0 else { return false }
    return facts.st_mode & S_IFMT != S_IFREG && facts.st_mode & S_IFMT != S_IFDIR
  }

  /// Bytes on disk; 0 for streams.
  static func size(_ path: String) -> UInt64 {
    var facts = stat()
    guard !isStream(path), stat(path, &facts) == 0 else { return 0 }
    return UInt64(facts.st_size)
  }
}

/// Ends the reading at the first packet, whose time it throws.
private struct FirstPacketFinder: PacketSink {
  struct Found: Error {
    let timestampNs: UInt64
  }

  mutating func take(_ packet: CapturedPacket) throws(Found) {
    throw Found(timestampNs: packet.timestampNs)
  }
}
