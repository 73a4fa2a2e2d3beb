/// Metrics in the text format 0.0.4 of Prometheus
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
struct PrometheusText {
  static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  enum Kind: String {
    case counter, gauge
  }

  typealias Sample = (labels: KeyValuePairs<String, String>, value: Double)

  private(set) var text = ""

  /// One family of samples. Without samples nothing is written: what there is not has no help either.
  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(PrometheusText.escaped(help, quotes: false))\n"
    text += "# TYPE \(name) \(kind.rawValue)\n"
    for sample in samples {
      text += name
      if !sample.labels.isEmpty {
        text += "{"
        text += sample.labels.map { "\($0)=\"\(PrometheusText.escaped($1, quotes: true))\"" }
          .joined(separator: ",")
        text += "}"
      }
      text += " \(PrometheusText.number(sample.value))\n"
    }
  }

  /// One sample without labels.
  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
    let none: KeyValuePairs<String, String> = [:]
    let samples: [Sample] = value.map { [(labels: none, value: $0)] } ?? []
    add(name, kind, help, samples)
  }

  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: UInt64) {
    add(name, kind, help, Double(value))
  }

  /// Backslash and line feed, and in labels the double quote, are escaped.
  static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    // By scalars: \r\n is one character.
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// As Go's ParseFloat reads it.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map(String.init) ?? "\(value)"
  }
}
