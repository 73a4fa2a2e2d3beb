/// Every text for people, in both languages, by key.
///
/// The terminal, the page's fixed parts and its script read one table (`PhraseTable.swift`), so
/// that a column has one name everywhere.
struct Phrases: Sendable {
  private let texts: [String: String]

  init(_ language: ReportLanguage) {
    texts = language == .en ? Phrases.english : Phrases.japanese
  }

  /// The text, or the key itself where the table lacks it; a test sees to it that it lacks none.
  subscript(key: String) -> String { texts[key] ?? key }

  /// The text with `{name}` replaced.
  func filled(_ key: String, _ values: KeyValuePairs<String, String>) -> String {
    var text = self[key]
    for (name, value) in values {
      guard let range = text.firstRange(of: "{\(name)}") else { continue }
      text.replaceSubrange(range, with: value)
    }
    return text
  }

  /// Those of a page with a table of its own.
  init(_ language: ReportLanguage, of rows: [Row]) {
    texts = Dictionary(uniqueKeysWithValues: rows.map { ($0.key, language == .en ? $0.en : $0.ja) })
  }

  typealias Row = (key: String, en: String, ja: String)

  /// Keys in the order of the table, with their texts.
  static let rows = rows(of: table)

  static func rows(of table: String) -> [Row] {
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
