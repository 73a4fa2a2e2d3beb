/// Rows in aligned columns for a terminal.
package struct TextTable {
  package struct Column {
    let title: String
    var isNumber = false
    /// Cells longer than this end in "…".
    var widthMax = 40

    package init(title: String, isNumber: Bool = false, widthMax: Int = 40) {
      self.title = title
      self.isNumber = isNumber
      self.widthMax = widthMax
    }
  }

  let columns: [Column]
  private(set) var rows: [[String]] = []

  package init(_ columns: [Column]) { self.columns = columns }

  package mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The title row, then the rows, each indented by two and ended by a line feed.
  package var text: String {
    let cells = ([columns.map(\.title)] + rows).map { row in
      zip(row, columns).map { TextTable.cut(TextTable.printable($0), to: $1.widthMax) }
    }
    let widths = columns.indices.map { column in
      cells.map { TextTable.width($0[column]) }.max() ?? 0
    }
    return cells.map { row in
      var line = " "
      for column in columns.indices {
        let fill = String(
          repeating: " ", count: widths[column] - TextTable.width(row[column]))
        line += " " + (columns[column].isNumber ? fill + row[column] : row[column] + fill)
        if column < columns.count - 1 { line += " " }
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }

  /// Columns of a terminal that `text` takes: East Asian wide characters take two.
  package static func width(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar.value {
      case 0x300...0x36F, 0x200B...0x200F: sum
      case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        sum + 2
      default: sum + 1
      }
    }
  }

  static func cut(_ text: String, to widthMax: Int) -> String {
    if width(text) <= widthMax { return text }
    var kept = ""
    for character in text {
      if width(kept) + width(String(character)) > widthMax - 1 { break }
      kept.append(character)
    }
    return kept + "…"
  }

  /// Names come from other people's files: control characters, which could steer a terminal, and
  /// marks that turn the writing direction become a replacement character.
  package static func printable(_ text: String) -> String {
    var clean = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069:
        clean.append("\u{FFFD}")
      default: clean.append(scalar)
      }
    }
    return String(clean)
  }
}
