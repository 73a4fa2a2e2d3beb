internal import ServiceMap
internal import Wire

/// One value of a table or a fact, before it has become HTML, CSV or JSON.
enum SiteValue: Equatable, Sendable {
  case none
  case text(String)
  case count(UInt64)
  /// Octets.
  case bytes(UInt64)
  /// Index into `ServiceMap.hosts`.
  case host(Int)
  /// Index into `HostGroups.groups`.
  case network(Int)
  /// Protocol and port of any server.
  case service(UInt8, UInt16)
  /// The same at a host, by index into `ServiceMap.hosts`: it has a page of its own.
  case provided(Int, UInt8, UInt16)
  case role(RelationKind, Basis, Double)
  /// Nanoseconds since 1970.
  case time(UInt64)
  case duration(ns: UInt64)
  case ratio(Double)
  /// A page about the row, and the words for it.
  case link(path: String, text: String)

  static func count(_ value: Int) -> SiteValue { .count(UInt64(max(0, value))) }
  static func text(_ value: String?) -> SiteValue { value.map { .text($0) } ?? .none }
  static func time(optional ns: UInt64?) -> SiteValue { ns.map { .time($0) } ?? .none }

  /// By what rows are put in order where it is a number; nil for text.
  var order: UInt64? {
    switch self {
    case .none: 0
    case .text, .link: nil
    case .count(let value), .bytes(let value), .time(let value), .duration(let value): value
    case .host(let index), .network(let index): UInt64(index)
    case .service(let protocolNumber, let port), .provided(_, let protocolNumber, let port):
      UInt64(protocolNumber) << 16 | UInt64(port)
    case .role(_, _, let confidence): UInt64(max(0, confidence) * 1e6)
    case .ratio(let value): UInt64(max(0, value) * 1e6)
    }
  }
}

/// A column of a table: its name for programs and for people, and what its values are.
struct SiteColumn: Sendable {
  enum Kind: Sendable {
    case text, count, bytes, host, network, service, role, time, duration, ratio, link
  }

  /// The name in addresses, JSON and CSV.
  let key: String
  /// The title in the table of phrases.
  let title: String
  let kind: Kind
  /// Only for people: what it says is in other columns too, or it is a link.
  let isForPeople: Bool
  /// Whether it is right-aligned.
  let isNumber: Bool

  init(
    _ key: String, _ kind: Kind, title: String? = nil, isForPeople: Bool = false,
    isNumber: Bool = false
  ) {
    self.key = key
    self.kind = kind
    self.title = title ?? key
    self.isForPeople = isForPeople
    switch kind {
    case .count, .bytes, .time, .duration, .ratio: self.isNumber = true
    default: self.isNumber = isNumber
    }
  }

  /// Whether people look for the largest first.
  var isDescending: Bool {
    switch kind {
    case .count, .bytes, .time, .duration, .ratio, .role: true
    default: false
    }
  }

  /// The names of its fields for programs: several where a value has several parts.
  var fields: [String] {
    switch kind {
    case .host: key == "address" ? ["address", "name"] : [key, key + "Name"]
    case .service: ["protocol", "port", "service"]
    case .role: ["kind", "basis", "confidence"]
    case .duration: [key + "Ns"]
    default: [key]
    }
  }
}
