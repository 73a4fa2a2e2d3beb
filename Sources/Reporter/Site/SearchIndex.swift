internal import Glibc
internal import ServiceMap

/// Which hosts, networks and services contain the words of a search.
///
/// Asked once a word and not once a row, and of bytes in one buffer: the map has many more rows than hosts.
struct SearchIndex: Sendable {
  /// Texts one after the other, each ended by a zero byte, as strstr(3) wants them.
  private struct Texts: Sendable {
    var bytes: [UInt8] = []
    var starts: [Int32] = []

    mutating func append(_ text: String) {
      starts.append(Int32(bytes.count))
      // A text of 10 kB is nobody's name: what a search looks at ends somewhere.
      bytes.append(contentsOf: text.lowercased().utf8.prefix(1024).map { $0 == 0 ? 32 : $0 })
      bytes.append(0)
    }

    /// Marks those that contain `word`, which has no zero byte.
    func find(_ word: [UInt8]) -> [Bool] {
      let word = word.map { CChar(bitPattern: $0) } + [0]
      return bytes.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return [] }
        // SAFETY: every start is within `bytes`, and a zero byte ends each text and the word.
        return starts.map { start in
          strstr((base + Int(start)).assumingMemoryBound(to: CChar.self), word) != nil
        }
      }
    }
  }

  private var hosts = Texts()
  private var networks = Texts()
  private var services = Texts()
  private var places: [UInt32: Int32] = [:]

  /// What one word was found in.
  struct Hits: Sendable {
    fileprivate let hosts: [Bool]
    fileprivate let networks: [Bool]
    fileprivate let services: [Bool]
  }

  init(map: ServiceMap, labels: Labels, groups: HostGroups) {
    for (index, host) in map.hosts.enumerated() {
      let group = groups.groups[groups.groupOfHost[index]]
      hosts.append(
        "\(labels.addresses[index]) \(host.name ?? "") \(group.name) "
          + labels.networks[labels.networkOfHost[index]])
    }
    for group in groups.groups {
      networks.append(
        "\(group.name) \(group.prefix.map { "\($0)" } ?? "")")
    }
    for key in labels.endpoints {
      places[key] = Int32(places.count)
      let (number, port) = (UInt8(key >> 16), UInt16(key & 0xFFFF))
      services.append("\(ServiceText.endpoint(number, port)) \(labels.service(number, port))")
    }
  }

  /// One set of hits a word.
  ///
  /// - Complexity: O(bytes of all names) a word; words past the eighth are left out.
  func hits(_ search: String) -> [Hits] {
    search.lowercased().split(whereSeparator: \.isWhitespace).prefix(8).map { word in
      let bytes = word.utf8.filter { $0 != 0 }
      return Hits(
        hosts: hosts.find(bytes), networks: networks.find(bytes), services: services.find(bytes))
    }
  }

  /// Whether each word is in something of the row.
  func matches(_ subject: SearchSubject, _ hits: [Hits]) -> Bool {
    hits.allSatisfy { one in
      if let host = subject.host, one.hosts[host] { return true }
      if let other = subject.other, one.hosts[other] { return true }
      if let network = subject.network, one.networks[network] { return true }
      if let endpoint = subject.endpoint, let place = places[endpoint] {
        return one.services[Int(place)]
      }
      return false
    }
  }
}
