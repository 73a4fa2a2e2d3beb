import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct TrafficSeriesTests {
  private let folder: TemporaryDirectory
  private let path: String

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.path("map.db")
  }

  private func total(_ points: [TrafficSeries.Point]) -> [UInt64] {
    [points.reduce(0) { $0 + $1.in }, points.reduce(0) { $0 + $1.out }]
  }

  @Test("what hosts, services and relations had over time adds up to what the map says")
  func sums() throws {
    let generator = TestSeed.generator(for: "TrafficSeriesTests.sums")
    var store = try RandomStore(path: path, generator: generator)
    for _ in 0..<10 { try store.commit(beginsMinute: true) }
    let content = try MapStore.read(path: path, withSeries: true)
    let series = try #require(content.series)
    let map = content.map()
    #expect(
      series.bounds == (1...10).map { Int(RandomStore.begin) + $0 * 60 } + [
        Int(RandomStore.begin) + 660
      ])
    #expect(series.ofAll().reduce(0, +) == map.bytes)
    for host in map.hosts {
      #expect(total(series.ofHost(host.address)) == [host.bytesIn, host.bytesOut])
    }
    // Links with a handshake say who serves.
    for relation in map.relations where relation.basis == .handshake && relation.kind == .provided {
      let (server, client) = (map.hosts[relation.server], map.hosts[relation.client])
      let found = series.ofRelation(
        server: server.address, relation.protocolNumber, relation.port, client: client.address)
      let sums = total(found)
      #expect(sums[0] >= relation.bytesToServer && sums[1] >= relation.bytesToClient)
    }
    for service in map.services {
      let found = series.ofService(
        map.hosts[service.server].address, service.protocolNumber, service.port)
      #expect(total(found)[0] >= service.total.bytesToServer)
      let everywhere = series.ofEndpoint(service.protocolNumber, service.port)
      #expect(zip(everywhere, found).allSatisfy { $0.in >= $1.in || $0.out >= $1.out })
    }
    #expect(total(series.ofHost(IPAddress(v4: 1))) == [0, 0])
    #expect(series.ofHost(IPAddress(v4: 1)).count == 10)
    #expect(try MapStore.read(path: path).series == nil)
  }

  @Test("each minute's traffic is in its bucket, by direction")
  func directions() throws {
    let store = try UnitStore(path: path)
    let (server, client) = (IPAddress(v4: 0x0A00_0001), IPAddress(high: 0x2001 << 48, low: 9))
    for minute in 0..<3 {
      var shaken = Link(
        a: store.id(of: server), b: store.id(of: client), protocolNumber: 6, aPort: 443,
        bPort: UInt16(50_000 + minute), hasHandshake: true,
        events: [.synFromB, .synAckFromA, .progressFromA, .progressFromB])
      shaken.sessions = 1
      shaken.packetsAB = 1
      shaken.packetsBA = 1
      shaken.bytesAB = UInt64(1000 * (minute + 1))
      shaken.bytesBA = UInt64(minute + 1)
      // The other way round each time.
      var neutral = Link(
        a: store.id(of: server), b: store.id(of: client), protocolNumber: 17, aPort: 53,
        bPort: 6000, events: [.progressFromA, .progressFromB])
      neutral.sessions = 1
      neutral.packetsAB = 1
      neutral.bytesAB = 50
      neutral.bytesBA = 7
      if minute == 1 { neutral = neutral.exchanged }
      var accounting = Accounting()
      accounting[.mapped] = 3
      try store.commit(
        UnitCommit(
          run: 1, progress: [], capture: CaptureReport(),
          segments: [
            SegmentChange(
              beginSeconds: UInt64(6000 + (minute == 2 ? 600 : minute * 60)),
              accounting: accounting,
              links: [(0, shaken), (1, neutral)])
          ]))
    }
    let series = try #require(try MapStore.read(path: path, withSeries: true).series)
    // Between the second and the third nothing is stored.
    #expect(series.bounds == [6000, 6060, 6120, 6600, 6660])
    func points(_ values: [(UInt64, UInt64)]) -> [TrafficSeries.Point] {
      values.map { TrafficSeries.Point(in: $0.0, out: $0.1) }
    }
    let web = points([(1, 1000), (2, 2000), (0, 0), (3, 3000)])
    #expect(series.ofService(server, 6, 443) == web)
    #expect(series.ofRelation(server: server, 6, 443, client: client) == web)
    #expect(series.ofEndpoint(6, 443) == web)
    #expect(series.ofEndpoint(6, 443, servers: [server]) == web)
    #expect(
      series.ofEndpoint(6, 443, servers: [client]) == points([(0, 0), (0, 0), (0, 0), (0, 0)]))
    let dns = points([(7, 50), (7, 50), (0, 0), (7, 50)])
    #expect(series.ofService(server, 17, 53) == dns)
    #expect(series.ofRelation(server: server, 17, 53, client: client) == dns)
    #expect(series.ofHost(client) == points([(1050, 8), (2050, 9), (0, 0), (3050, 10)]))
    #expect(series.ofAll() == [1058, 2059, 0, 3060])
    #expect(series.ofService(client, 6, 443) == points([(0, 0), (0, 0), (0, 0), (0, 0)]))
  }

  @Test("buckets are at most 120, begin and end with segments, and hold each segment whole")
  func plan() {
    var generator = TestSeed.generator(for: "TrafficSeriesTests.plan")
    for _ in 0..<200 {
      // Days, then hours, then minutes, with gaps.
      var segments: [Range<Int>] = []
      var begin = Int.random(in: 10_000...20_000, using: &generator) * 86_400
      for length in [86_400, 3600, 60] {
        for _ in 0..<Int.random(in: 0...300, using: &generator) {
          if Int.random(in: 0..<10, using: &generator) > 0 {
            segments.append(begin..<begin + length)
          }
          begin += length
        }
      }
      let plan = SeriesPlan(segments)
      #expect(plan.bounds.count <= SeriesPlan.bucketsMax + 1)
      #expect(plan.bounds == Set(plan.bounds).sorted())
      let edges = Set(segments.flatMap { [$0.lowerBound, $0.upperBound] })
      #expect(edges.isSuperset(of: plan.bounds))
      for (segment, bucket) in zip(segments, plan.buckets) {
        #expect(plan.bounds[Int(bucket)] <= segment.lowerBound)
        #expect(segment.upperBound <= plan.bounds[Int(bucket) + 1])
      }
      // A part of the segments has the same buckets, or finer ones.
      let part = SeriesPlan(Array(segments.prefix(segments.count / 2)))
      #expect(part.width <= plan.width)
      if part.width == plan.width {
        #expect(plan.buckets.starts(with: part.buckets))
      }
      if let coarser = plan.coarser {
        #expect(coarser.width > plan.width && coarser.bounds.count <= plan.bounds.count)
      }
    }
    #expect(SeriesPlan([]).bounds.isEmpty)
  }

  @Test(
    "when there are too many cells buckets become coarser and sums stay; past that there is none")
  func bounded() throws {
    let generator = TestSeed.generator(for: "TrafficSeriesTests.bounded")
    let segments = (0..<100).map { 60_000 + $0 * 60..<60_060 + $0 * 60 }
    func built(cellsMax: Int) -> TrafficSeries? {
      var builder = SeriesBuilder(segments, cellsMax: cellsMax)
      var links = generator
      for place in segments.indices {
        for number in 0..<50 {
          var link = Sample.served(number % 7, 443, 10 + number)
          link.bytesAB = .random(in: 0...1000, using: &links)
          // Some of it is taken back later.
          if number == 3 { link.bytesBA = 0 &- UInt64(place) }
          builder.add(link, segment: place)
        }
      }
      return builder.series { IPAddress(v4: $0) }
    }
    let fine = try #require(built(cellsMax: 100_000))
    let coarse = try #require(built(cellsMax: 1500))
    #expect(fine.bounds.count == 101 && coarse.bounds.count < 40)
    #expect(fine.ofAll().reduce(0, +) == coarse.ofAll().reduce(0, +))
    for host in 0..<60 as Range<UInt32> {
      let (one, other) = (fine.ofHost(IPAddress(v4: host)), coarse.ofHost(IPAddress(v4: host)))
      if host != 3 && host != 13 { #expect(total(one) == total(other)) }
    }
    #expect(total(coarse.ofHost(IPAddress(v4: 13)))[1] == 0)
    #expect(built(cellsMax: 49) == nil)
  }
}
