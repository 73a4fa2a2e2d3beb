/// Every text for people, in both languages, by key.
///
/// The terminal, the page's fixed parts and its script read one table (`PhraseTable.swift`), so
/// that a column has one name everywhere.
package struct Phrases: Sendable {
  private let texts: [String: String]
  /// Of those that have something to fill in.
  private let pieces: [String: [Piece]]

  package init(_ language: ReportLanguage) {
    (texts, pieces) =
      language == .en
      ? (Phrases.english, Phrases.englishPieces) : (Phrases.japanese, Phrases.japanesePieces)
  }

  /// The text, or the key itself where the table lacks it; a test sees to it that it lacks none.
  package subscript(key: String) -> String { texts[key] ?? key }

  /// The text with `{name}` replaced by its value, and `{name?one/many}` by the word that goes with
  /// the value: English says 1 client and 2 clients. `fill` in report.js does the same.
  package func filled(_ key: String, _ values: KeyValuePairs<String, String>) -> String {
    var text = ""
    for piece in pieces[key] ?? [.text(self[key])] {
      switch piece {
      case .text(let words): text += words
      case .value(let name, let asWritten):
        text += values.first { $0.key == name }?.value ?? asWritten
      case .number(let name, let one, let many, let asWritten):
        guard let value = values.first(where: { $0.key == name })?.value else {
          text += asWritten
          continue
        }
        text += value == "1" ? one : many
      }
    }
    return text
  }

  /// A part of a text: cut once, since a page fills thousands.
  private enum Piece: Sendable {
    case text(String)
    case value(String, asWritten: String)
    case number(String, one: String, many: String, asWritten: String)
  }

  private static func pieces(of text: String) -> [Piece] {
    var parts = text.split(separator: "{", omittingEmptySubsequences: false)[...]
    var pieces: [Piece] = [.text(String(parts.removeFirst()))]
    for part in parts {
      guard let end = part.firstIndex(of: "}") else {
        pieces.append(.text("{\(part)"))
        continue
      }
      let asWritten = "{\(part[...end])"
      let sides = part[..<end].split(separator: "?", maxSplits: 1)
      let words = sides.count == 2 ? sides[1].split(separator: "/", maxSplits: 1) : []
      let name = String(sides.first ?? "")
      pieces.append(
        words.count == 2
          ? .number(name, one: String(words[0]), many: String(words[1]), asWritten: asWritten)
          : .value(name, asWritten: asWritten))
      pieces.append(.text(String(part[part.index(after: end)...])))
    }
    return pieces
  }

  /// Those of a page with a table of its own.
  package init(_ language: ReportLanguage, of rows: [Row]) {
    texts = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, language == .en ? $0.en : $0.ja) })
    pieces = Phrases.pieces(of: texts)
  }

  package typealias Row = (key: String, en: String, ja: String)

  /// Keys in the order of the table, with their texts.
  static let rows = rows(of: table)

  package static func rows(of table: String) -> [Row] {
    table.split(separator: "\n").map {
      let parts = $0.split(separator: "|", omittingEmptySubsequences: false).map(trimmed)
      precondition(
        parts.count == 3, "a line of the phrase table is key | English | Japanese: \($0)")
      return (parts[0], parts[1], parts[2])
    }
  }

  private static let english = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0.en) })
  private static let englishPieces = pieces(of: english)
  private static let japanesePieces = pieces(of: japanese)

  private static func pieces(of texts: [String: String]) -> [String: [Piece]] {
    texts.filter { $0.value.contains("{") }.mapValues { pieces(of: $0) }
  }

  private static let japanese = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0.ja) })

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
