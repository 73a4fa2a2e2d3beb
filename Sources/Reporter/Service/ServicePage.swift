/// What is answered to a request.
public struct ServicePage: Sendable, Equatable {
  /// The HTTP status: 200, or 503 where the unit is not well.
  public let status: Int
  /// The media type.
  public let type: String
  public let body: [UInt8]

  public init(status: Int = 200, type: String, body: [UInt8]) {
    self.status = status
    self.type = type
    self.body = body
  }

  public init(status: Int = 200, type: String = "text/plain; charset=utf-8", text: String) {
    self.init(status: status, type: type, body: [UInt8](text.utf8))
  }
}
