public import ServiceMap

/// Writes why endpoints are judged as they are.
public struct ExplanationReport: Sendable {
  private let explanations: [Explanation]

  /// - Parameter explanations: one or more, in the order to show them in.
  public init(_ explanations: [Explanation]) {
    self.explanations = explanations
  }

  /// For a terminal of 100 columns.
  public func text(_ language: ReportLanguage) -> String {
    explanations.map { ExplanationText($0, language: language).full() }.joined(separator: "\n")
  }

  /// Schema `renkei.why/1`; see docs/json.md.
  public func json() -> String {
    ExplanationJSON(explanations).text()
  }

  /// Writes `text` to the standard output.
  ///
  /// - Throws: `ReportError` with one line for the operator.
  public static func print(_ text: String) throws {
    try AtomicOutput.write(to: "-") { $0.write(text) }
  }
}
