/// What is answered to a request.
public struct ServicePage: Sendable, Equatable {
  /// The HTTP status: 200, or 503 where the unit is not well.
  public let status: Int
  /// The media type.
  public let type: String
  public let body: [UInt8]
  /// Header fields beyond those that the service sets itself; a name of those is passed over.
  public let headers: [(name: String, value: String)]
  /// Whether this address answers the same for ever, as that of an asset with a hash in its name.
  public let isStable: Bool
  /// Of the body, where somebody made it already.
  let digest: PageDigest?

  public init(
    status: Int = 200, type: String, body: [UInt8],
    headers: [(name: String, value: String)] = [], isStable: Bool = false
  ) {
    self.status = status
    self.type = type
    self.body = body
    self.headers = headers
    self.isStable = isStable
    digest = nil
  }

  /// The same with its digest, for a page that is answered again and again.
  func withDigest() -> ServicePage { ServicePage(self, digest: PageDigest(body)) }

  private init(_ page: ServicePage, digest: PageDigest) {
    status = page.status
    type = page.type
    body = page.body
    headers = page.headers
    isStable = page.isStable
    self.digest = digest
  }

  public init(
    status: Int = 200, type: String = "text/plain; charset=utf-8", text: String,
    headers: [(name: String, value: String)] = []
  ) {
    self.init(status: status, type: type, body: [UInt8](text.utf8), headers: headers)
  }

  public static func == (one: ServicePage, other: ServicePage) -> Bool {
    one.status == other.status && one.type == other.type && one.body == other.body
      && one.isStable == other.isStable && one.headers.elementsEqual(other.headers, by: ==)
  }
}
