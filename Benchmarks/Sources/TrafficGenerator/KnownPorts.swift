/// Ports that common programs are known by, above 1023.
///
/// In-house services and, in the profile `highports`, all ports keep off them, so that nothing can
/// be learned from a list. Not a complete registry: what flow tools are likely to have a name for.
enum KnownPorts {
  /// The ports, ascending.
  private static let list: [UInt16] = [
    1080, 1194, 1433, 1434, 1521, 1701, 1718, 1719, 1720, 1723, 1812, 1813, 1883, 1900, 2049, 2055,
    2082, 2083, 2181, 2375, 2376, 2379, 2380, 2427, 2727, 3000, 3128, 3260, 3268, 3269, 3306, 3389,
    3478, 3702, 4222, 4369, 4433, 4500, 4739, 4789, 5000, 5004, 5005, 5060, 5061, 5201, 5222, 5353,
    5355, 5432, 5601, 5671, 5672, 5683, 5684, 5900, 5985, 5986, 6000, 6081, 6343, 6379, 6443, 6514,
    6653, 7000, 7001, 8000, 8008, 8080, 8081, 8086, 8088, 8443, 8472, 8888, 9000, 9042, 9090, 9092,
    9100, 9102, 9200, 9300, 9418, 9995, 9996, 10000, 10050, 10051, 10250, 11211, 15672, 17185,
    19132, 20000, 20547, 21554, 22136, 24007, 25565, 25826, 26257, 27015, 27016, 27017, 27018,
    27960, 28000, 28960, 30303, 32400, 32764, 32769, 33434, 33848, 34962, 34963, 34964, 34980,
    37777, 40000, 41641, 42590, 44321, 44818, 47000, 47808, 48049, 48898, 49153, 50000, 50051,
    51413, 51820, 54321, 54328, 55553, 55555, 57722, 60020, 60177, 61440, 61613, 61616, 62078,
    64738,
  ]

  /// True for ports below 1024 and those of the list.
  ///
  /// - Complexity: O(log n); called once a session at most.
  static func contains(_ port: UInt16) -> Bool {
    if port < 1024 { return true }
    var low = 0
    var high = list.count
    while low < high {
      let middle = (low + high) / 2
      if list[middle] < port { low = middle + 1 } else { high = middle }
    }
    return low < list.count && list[low] == port
  }
}
