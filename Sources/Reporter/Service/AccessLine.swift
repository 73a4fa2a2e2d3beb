public import Wire

/// What the access log says about a request.
public struct AccessLine: Sendable {
  /// Nanoseconds since 1970 at which the request was there.
  public var timeNs: UInt64
  /// Who sent it; nil where the connection was gone before that could be asked.
  public var remote: IPAddress?
  /// Who had identified themselves.
  public var user: String?
  public var method: String
  /// As it came, hostile; empty where the request was no HTTP.
  public var target: String
  public var status: Int
  /// Of the answer's body.
  public var bytes: Int
  /// Until the answer was there; of a stream of events, until its end.
  public var milliseconds: Double
  /// Why the request was refused; nil where it wasn't.
  public var reason: String?

  /// Whether the request was answered with an error.
  public var isRefused: Bool { status >= 400 }

  /// One line of JSON with a newline: `time`, `remote`, `user`, `method`, `target`, `status`, `bytes`,
  /// `ms`, `reason`. Whatever is not ASCII or could steer a terminal is escaped.
  public var json: String {
    var text = "{\"time\":\"\(AccessLine.time(timeNs))\""
    func add(_ name: String, _ value: String?) {
      text += ",\"\(name)\":" + (value.map(AccessLine.quoted) ?? "null")
    }
    add("remote", remote?.description)
    add("user", user)
    add("method", method)
    add("target", target)
    let tenths = Int((milliseconds * 10).rounded())
    text += ",\"status\":\(status),\"bytes\":\(bytes),\"ms\":\(tenths / 10).\(tenths % 10)"
    add("reason", reason)
    return text + "}\n"
  }

  /// A JSON string in ASCII (RFC 8259 7); at most 4 KiB of it are shown.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for unit in text.utf16.prefix(RequestTarget.bytesMax) {
      switch unit {
      case 0x22: result += "\\\""
      case 0x5C: result += "\\\\"
      case 0x20...0x7E: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      default:
        let digits = String(unit, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return result + "\""
  }

  /// RFC 3339 in UTC, to the millisecond.
  static func time(_ ns: UInt64) -> String {
    let time = CivilTime(ns: ns)
    let thousandths = "\(1000 + time.nanosecond / 1_000_000)".dropFirst()
    return time.text.replacing(" ", with: "T") + ".\(thousandths)Z"
  }
}
