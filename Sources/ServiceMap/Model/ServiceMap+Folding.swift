internal import Wire

extension ServiceMap {
  /// The same map with one host for each network outside the organisation, so that the internet does not
  /// drown what is inside.
  ///
  /// A folded host has the network's first address, and how long its prefix is (`Host.prefixBits`). Relations
  /// that become one are added up as those of one host are; all sums stay, and so do completeness and
  /// self-check, which speak of what was captured. A network of which some host inside the organisation, or a
  /// group, has the first address stays as it is: two hosts can't have one address.
  ///
  /// - Parameter bits: prefix lengths of the networks that are made.
  /// - Complexity: O(n) in relations, O(n log n) in hosts.
  public func folded(
    outside directory: HostDirectory, bits: NetworkBits = NetworkBits(v4: 24, v6: 48)
  ) -> ServiceMap {
    let isKept = hosts.map {
      $0.isGroup || $0.prefixBits != nil || directory.isInside($0.address)
    }
    let kept = Set(zip(hosts, isKept).lazy.filter(\.1).map(\.0.address))
    var numbers: [IPAddress: Int] = [:]
    var addresses: [IPAddress] = []
    var names: [IPAddress: String] = [:]
    var folds: [IPAddress: Fold] = [:]
    let numberOfHost = hosts.enumerated().map { index, host in
      let network = Prefix(host.address, in: bits)
      let isFolded = !isKept[index] && !kept.contains(network.address)
      let address = isFolded ? network.address : host.address
      if isFolded {
        folds[address, default: Fold(bits: network.bits, addresses: 0)].addresses += host.addresses
        names[address] = directory.networkName(of: network)
      } else {
        names[address] = host.name
        if let bits = host.prefixBits {
          folds[address] = Fold(bits: bits, addresses: host.addresses)
        }
      }
      if let known = numbers[address] { return known }
      numbers[address] = addresses.count
      addresses.append(address)
      return addresses.count - 1
    }
    let joined = ServiceMap.joined(
      relations.map {
        var one = $0
        one.server = numberOfHost[one.server]
        one.client = numberOfHost[one.client]
        return one
      }, hosts: addresses.count)
    let order = AddressOrder(addresses)
    var map = ServiceMap(
      capture: capture, addresses: order.sorted,
      sorted: ServiceMap.sorted(joined, ranks: order.ranks), networkBits: networkBits,
      folds: folds, name: { names[$0] })
    map.completeness = completeness
    map.selfCheck = selfCheck
    return map
  }

  /// Makes one relation of all that have the same key.
  private static func joined(_ relations: [Relation], hosts: Int) -> [Relation] {
    let hostBits = RelationKey.hostBits(count: hosts)
    var order = relations.enumerated().map { number, one in
      KeyedNumber(
        key: RelationKey(
          group: RelationKey.mergingGroup(of: one.kind), server: UInt32(one.server),
          protocolNumber: one.protocolNumber, port: one.port, client: UInt32(one.client),
          clientPort: one.clientPort, hostBits: hostBits), number: UInt32(number))
    }
    KeyedNumber.sort(&order)
    var result: [Relation] = []
    var last: RelationKey?
    for place in order {
      let one = relations[Int(place.number)]
      if place.key == last {
        // What somebody in the network got is a service, whatever others did not get.
        let isService = result[result.count - 1].kind.isService
        result[result.count - 1].join(one)
        if one.kind.isService && !isService { result[result.count - 1].kind = one.kind }
      } else {
        result.append(one)
        last = place.key
      }
    }
    return result
  }
}

/// What a host of a map stands for where it is not one address.
struct Fold: Sendable {
  var bits: Int
  var addresses: Int
}
