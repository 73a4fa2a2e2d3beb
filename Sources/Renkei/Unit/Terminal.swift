internal import Glibc

/// What goes to the person at the terminal.
enum Terminal {
  /// Writes to standard error at once, so that lines of several processes don't mix.
  static func standardError(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }

  /// Takes away what stands on the terminal's last line.
  static func clearLine() {
    if isInteractive { standardError("\r\u{1B}[K") }
  }

  /// `text` on one line, without what a terminal would obey: names of files are foreign text.
  static func oneLine(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }

  static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 }

  /// 12345678 as "12.3 M", for a unit to follow.
  static func short(_ count: Double) -> String {
    switch count {
    case 1e9...: "\(tenths(count / 1e9)) G"
    case 1e6...: "\(tenths(count / 1e6)) M"
    case 1e3...: "\(tenths(count / 1e3)) k"
    default: "\(Int(count)) "
    }
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
