internal import Yams

/// Strings as YAML scalars.
enum YAMLText {
  /// Plain where it can't be taken for anything else, in double quotes otherwise.
  static func quoted(_ text: String) -> String {
    let isPlain =
      text.first.map { $0.isASCII && ($0.isLetter || $0 == "/") } ?? false
      && text.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789/._-".unicodeScalars.contains($0))
      }
    let isWord = Bool.yaml(text) != nil || ["null", "y", "n"].contains(text.lowercased())
    if isPlain && !isWord { return text }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default:
        if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          result += "\\x" + (digits.count < 2 ? "0" : "") + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}

extension Bool {
  /// The words of YAML 1.1.
  static func yaml(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "yes", "on": true
    case "false", "no", "off": false
    default: nil
    }
  }
}

extension Node {
  /// A scalar's text.
  var word: String? { scalar?.string }

  /// Nothing written, `~` or `null`.
  var isNull: Bool {
    guard let scalar, scalar.style == .plain || scalar.style == .any else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }

  var line: Int? { mark?.line }

  /// What stands there, for a message.
  var found: String {
    if isNull { return "nothing" }
    if let word {
      let shown = Terminal.oneLine(String(word.prefix(60)))
      return "\"\(shown)\(word.count > 60 ? "…" : "")\""
    }
    return sequence != nil ? "a list" : "a section"
  }

  func problem(_ key: String, expected: String) -> ConfigurationProblem {
    ConfigurationProblem(line: line, text: "\(key): expected \(expected), found \(found)")
  }
}
