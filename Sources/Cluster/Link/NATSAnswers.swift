internal import Foundation

/// The JSON answers of JetStream, as far as they are needed; the names are those of its documented API, in camel case.
enum NATSAnswer {
  struct Failure: Decodable {
    var code: Int
    var errCode: Int?
    var description: String?
  }

  /// Of a message that was to be stored.
  struct Stored: Decodable {
    var seq: UInt64?
    var error: Failure?
  }

  /// Any answer, for its error.
  struct Outcome: Decodable {
    var error: Failure?
  }

  /// Of a message that was asked for.
  struct Message: Decodable {
    struct Content: Decodable {
      var subject: String
      var seq: UInt64
      var hdrs: Data?
      var data: Data?
    }

    var message: Content?
  }

  struct Stream: Decodable {
    struct State: Decodable {
      var messages: UInt64
      var bytes: UInt64
      var firstSeq: UInt64
      var lastSeq: UInt64
      var subjects: [String: UInt64]?
    }

    var config: StreamConfiguration
    var state: State
    var cluster: StreamGroup?
  }
}

extension JSONDecoder {
  static var jetStream: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }
}

/// The codes of JetStream's errors that mean something to us.
enum NATSErrorCode {
  static let wrongLastSequence = 10071
  static let messageNotFound = 10037
  static let streamNotFound = 10059
  static let messageTooLarge = 10054
  static let jetStreamNotEnabled = [10076, 10039]
  /// Limits of a stream, of the account, of the disk.
  static let full = [10077, 10047, 10023, 10028, 10002, 10053]
}

extension NATSAnswer.Failure {
  /// What it means for the caller; nil where it should be tried again at once.
  var meaning: ClusterError? {
    let said = description ?? "error \(errCode ?? code)"
    let lower = said.lowercased()
    if let number = errCode {
      if number == NATSErrorCode.wrongLastSequence { return .superseded }
      if number == NATSErrorCode.streamNotFound || number == NATSErrorCode.messageTooLarge
        || NATSErrorCode.jetStreamNotEnabled.contains(number)
      {
        return .misconfigured(said)
      }
      if NATSErrorCode.full.contains(number) { return .full(said) }
    }
    if lower.contains("maximum") || lower.contains("no space") || lower.contains("insufficient") {
      return .full(said)
    }
    // 503 and 408: no leader now, or one that was too busy.
    return code == 503 || code == 408 || code == 500 ? nil : .misconfigured(said)
  }
}
