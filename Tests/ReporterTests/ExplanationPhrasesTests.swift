import ServiceMap
import Testing

@testable import Reporter

@Suite struct ExplanationPhrasesTests {
  @Test(
    "every case that can be shown has words in both languages", arguments: [ReportLanguage.en, .ja])
  func complete(language: ReportLanguage) {
    let phrases = Phrases(language, of: Phrases.explanationRows)
    let keys =
      RoleFeatures.Feature.allCases.map { "evidence.\($0.name)" } + ["evidence.served"]
      + Basis.allCases.map { "basis.\($0)" }
      + Explanation.Role.allCases.flatMap { role in
        ["role", "is", "part"].map { "\($0).\(role.rawValue)" }
      } + Explanation.Reason.allCases.map { "reason.\($0.rawValue)" }
    for key in keys { #expect(phrases[key] != key, "\(key)") }
    for row in Phrases.explanationRows {
      #expect(!row.en.isEmpty && !row.ja.isEmpty && row.key.contains("."), "\(row.key)")
      // What one language fills in, the other does as well.
      #expect(
        Set(row.en.matches(of: /\{\w+\}/).map(\.output))
          == Set(row.ja.matches(of: /\{\w+\}/).map(\.output)), "\(row.key)")
    }
  }
}
