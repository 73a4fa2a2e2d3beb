/// What is asked of the pages: a request that has passed every check of the service.
public struct SiteRequest: Sendable {
  /// Percent-decoded; starts with "/"; no "..", no "//", no "%", no backslash, no control character.
  public var path: String
  /// Decoded, in the order of the address.
  public var query: [(name: String, value: String)]
  /// The header field Accept-Language, as it came.
  public var acceptLanguage: String?
  /// Who asks; nil where the service demands no credentials.
  public var user: String?

  public init(
    path: String, query: [(name: String, value: String)] = [], acceptLanguage: String? = nil,
    user: String? = nil
  ) {
    self.path = path
    self.query = query
    self.acceptLanguage = acceptLanguage
    self.user = user
  }

  /// The first value of that name in the query.
  public func value(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// What a service serves.
public protocol SitePages: Sendable {
  /// The answer to a GET; one of status 404 where there is no such page.
  ///
  /// The service adds the security headers and the ETag, compresses, and answers HEAD and 304 itself.
  func answer(_ request: SiteRequest) async -> ServicePage

  /// A line whenever what the pages show is renewed: the data of a server-sent event at `/events`.
  ///
  /// Called once for each reader; each stream gets every line from then on. A stream that has ended
  /// ends the reader's connection.
  func events() -> AsyncStream<String>
}
