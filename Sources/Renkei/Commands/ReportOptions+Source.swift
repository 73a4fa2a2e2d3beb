internal import Reporter
internal import ServiceMap

extension ReportOptions {
  /// How pages are made of a store.
  ///
  /// - Throws: `RunError`, `ValidationError` where a file of names or roles can't be read.
  func source(of store: String) throws -> MapSource.Options {
    var source = MapSource.Options(path: store)
    source.overrides = try rolesOption.overrides()
    source.networkBits = ServiceMap.NetworkBits(v4: ipv4Prefix, v6: ipv6Prefix)
    source.directory = try directory()
    source.serviceNames = try services()
    source.foldsOutside = foldOutside
    if resolve {
      let cache = NameCache()
      source.names = { cache.names(for: $0) }
    }
    return source
  }
}
