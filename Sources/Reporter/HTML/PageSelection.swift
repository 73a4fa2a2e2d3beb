internal import ServiceMap

/// Which relations the page lists one by one.
///
/// All, up to `rowsMax`. A scan of a large network makes millions of failures, and a page that no
/// browser opens helps nobody; sums are always over everything, and the page says what it left out.
struct PageSelection {
  /// At 15 to 20 bytes a row, 12 MB.
  static let rowsMax = 600_000

  /// Rows that are listed, by kind: failed, groups, undecided, notices. In the map's order.
  let rest: [[Int]]
  /// Rows that are not, by kind.
  let restHidden: [Int]
  /// Service-client pairs listed.
  let pairsListed: Int
  private let services: [ServiceMap.Service]
  private let relations: [Relation]
  private let clientsMax: Int

  var isCapped: Bool { clientsMax < .max || restHidden.contains { $0 > 0 } }

  init(map: ServiceMap, rowsMax: Int = PageSelection.rowsMax) {
    let ranges = [map.failed, map.groups, map.undecided, map.notices]
    let restCount = ranges.reduce(0) { $0 + $1.count }
    let pairs = map.summary.relations
    services = map.services
    relations = map.relations

    // Services first, but a quarter is always left to the rest.
    let restMax = min(restCount, max(rowsMax / 4, rowsMax - pairs))
    if restMax < restCount {
      let kept = Set(
        ranges.joined().sorted {
          let (left, right) = (map.relations[$0], map.relations[$1])
          return left.packets != right.packets ? left.packets > right.packets : $0 < $1
        }.prefix(restMax))
      rest = ranges.map { $0.filter(kept.contains) }
    } else {
      rest = ranges.map(Array.init)
    }
    restHidden = zip(ranges, rest).map { $0.count - $1.count }

    // The largest power of two of clients a service for which all fits.
    var clientsMax = Int.max
    var listed = pairs
    let pairsMax = rowsMax - restMax
    if pairs > pairsMax {
      clientsMax = 1 << 24
      repeat {
        clientsMax /= 2
        listed = map.services.reduce(0) { $0 + min($1.clients, clientsMax) }
      } while listed > pairsMax && clientsMax > 1
    }
    self.clientsMax = clientsMax
    pairsListed = listed
  }

  /// Clients of the service that are summed up.
  func hiddenClients(of service: Int) -> Int {
    max(0, services[service].clients - clientsMax)
  }

  /// Indices into `relations` of the clients with most traffic; nil where all are listed.
  func listed(of service: Int) -> Set<Int>? {
    guard hiddenClients(of: service) > 0 else { return nil }
    return Set(
      services[service].relations.sorted {
        let (left, right) = (relations[$0], relations[$1])
        return left.bytes != right.bytes ? left.bytes > right.bytes : $0 < $1
      }.prefix(clientsMax))
  }
}
