internal import HTTPTypes

/// Why a request is not answered.
enum ServiceRefusal: Equatable {
  /// From a network that is not in the allow-list.
  case network
  case longTarget
  case body
  case method
  /// No Host, or several.
  case host
  /// Another host than the loopback, without credentials.
  case otherHost
  case malformedTarget
  /// No HTTP.
  case malformed
  case longHeader
  case anonymous
  case credentials
  case lockedOut(seconds: Int)
  /// Too many passwords are being verified.
  case busy
  /// The pages take too long.
  case late
  /// Too many streams of events.
  case streams

  var status: Int {
    switch self {
    case .network: 403
    case .longTarget: 414
    case .body: 413
    case .method: 405
    case .otherHost: 421
    case .host, .malformedTarget, .malformed: 400
    case .longHeader: 431
    case .anonymous, .credentials: 401
    case .lockedOut: 429
    case .busy, .late, .streams: 503
    }
  }

  /// The word for it in the access log, and the key of its text.
  var key: String {
    switch self {
    case .network: "network"
    case .longTarget: "longTarget"
    case .body: "body"
    case .method: "method"
    case .host: "host"
    case .otherHost: "otherHost"
    case .malformedTarget: "malformedTarget"
    case .malformed: "malformed"
    case .longHeader: "longHeader"
    case .anonymous: "anonymous"
    case .credentials: "credentials"
    case .lockedOut: "lockedOut"
    case .busy: "busy"
    case .late: "late"
    case .streams: "streams"
    }
  }

  /// Header fields that go with it.
  var headers: [(HTTPField.Name, String)] {
    switch self {
    // What follows on the connection is of no interest.
    case .network, .body: [(.connection, "close")]
    case .method: [(.allow, "GET, HEAD")]
    case .anonymous, .credentials:
      [(.wwwAuthenticate, "Basic realm=\"renkei\", charset=\"UTF-8\"")]
    case .lockedOut(let seconds): [(.retryAfter, "\(seconds)")]
    case .busy: [(.retryAfter, "1")]
    case .late, .streams: [(.retryAfter, "10")]
    default: []
    }
  }

  func text(_ language: ReportLanguage) -> String {
    Phrases(language, of: Phrases.serviceRows)["refused.\(key)"]
  }

  /// Japanese where the client prefers it to English (RFC 9110 12.5.4).
  static func language(of field: String?) -> ReportLanguage {
    var best: (language: ReportLanguage, weight: Double) = (.en, 0)
    for part in (field ?? "").split(separator: ",").prefix(32) {
      let words = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
      let weight =
        words.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      guard weight > best.weight, let tag = words.first else { continue }
      if tag.hasPrefix("ja") {
        best = (.ja, weight)
      } else if tag.hasPrefix("en") {
        best = (.en, weight)
      }
    }
    return best.language
  }
}
