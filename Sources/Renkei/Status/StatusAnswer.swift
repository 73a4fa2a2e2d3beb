internal import Foundation

/// What `renkei status --format json` prints: the status with whether it still holds.
struct StatusAnswer: Encodable {
  let isRunning: Bool
  /// Why it doesn't run, or is not well.
  let reason: String?
  let status: UnitStatus?

  private enum Key: String, CodingKey {
    case isRunning, reason
  }

  /// One object: the status's keys and the two of here.
  func encode(to encoder: any Encoder) throws {
    try status?.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(isRunning, forKey: .isRunning)
    try container.encodeIfPresent(reason, forKey: .reason)
  }

  func json() throws -> String {
    let encoder = JSONEncoder.ofStatus
    return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
  }
}

extension JSONEncoder {
  /// Keys in order, for people and for comparing.
  static var ofStatus: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Rates are quotients: 0/0 must not cost the whole status.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }
}
