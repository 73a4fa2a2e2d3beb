/// Every text for people, in both languages, by key.
///
/// The terminal, the page's fixed parts and its script read one table (`PhraseTable.swift`), so
/// that a column has one name everywhere.
package struct Phrases: Sendable {
  private let texts: [String: String]

  package init(_ language: ReportLanguage) {
    texts = language == .en ? Phrases.english : Phrases.japanese
  }

  /// The text, or the key itself where the table lacks it; a test sees to it that it lacks none.
  package subscript(key: String) -> String { texts[key] ?? key }

  /// The text with `{name}` replaced by its value, and `{name?one/many}` by the word that goes with
  /// the value: English says 1 client and 2 clients. `fill` in report.js does the same.
  package func filled(_ key: String, _ values: KeyValuePairs<String, String>) -> String {
    var pieces = self[key].split(separator: "{", omittingEmptySubsequences: false)[...]
    var text = String(pieces.removeFirst())
    for piece in pieces {
      guard let end = piece.firstIndex(of: "}") else {
        text += "{\(piece)"
        continue
      }
      let parts = piece[..<end].split(separator: "?", maxSplits: 1)
      let words = parts.count == 2 ? parts[1].split(separator: "/", maxSplits: 1) : []
      if let value = values.first(where: { $0.key == parts[0] })?.value {
        text += words.count == 2 ? String(value == "1" ? words[0] : words[1]) : value
      } else {
        text += "{\(piece[...end])"
      }
      text += piece[piece.index(after: end)...]
    }
    return text
  }

  /// Those of a page with a table of its own.
  package init(_ language: ReportLanguage, of rows: [Row]) {
    texts = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, language == .en ? $0.en : $0.ja) })
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
  private static let japanese = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, $0.ja) })

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
