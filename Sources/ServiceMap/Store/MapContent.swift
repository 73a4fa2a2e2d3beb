internal import Foundation
internal import Glibc
internal import Synchronization
public import Wire

extension MapStore {
  /// What time a map is of, in seconds since 1970: whole segments, so it may be more than was asked for.
  public struct Coverage: Equatable, Sendable {
    public let beginSeconds: Int
    /// Not in it.
    public let endSeconds: Int
    public let segments: Int
    /// The shortest and the longest of the segments.
    public let resolutions: ClosedRange<Int>

    public init(
      beginSeconds: Int, endSeconds: Int, segments: Int, resolutions: ClosedRange<Int>
    ) {
      self.beginSeconds = beginSeconds
      self.endSeconds = endSeconds
      self.segments = segments
      self.resolutions = resolutions
    }
  }

  /// What a store holds, in memory: roles are not judged yet.
  public struct Content: Sendable {
    public let capture: CaptureReport
    public let addresses: [IPAddress]
    /// They refer to `addresses`.
    public let links: [Link]
    /// The time of the segments that were read; nil where the map is that of a whole capture.
    public let coverage: Coverage?
    /// Nil where it was not asked for, where the map is that of a whole capture, and where there are too many
    /// links.
    public let series: TrafficSeries?

    public init(
      capture: CaptureReport, addresses: [IPAddress], links: [Link], coverage: Coverage? = nil,
      series: TrafficSeries? = nil
    ) {
      self.capture = capture
      self.addresses = addresses
      self.links = links
      self.coverage = coverage
      self.series = series
    }

    /// Judges the roles of all links together, and checks the judgement on itself.
    ///
    /// - Parameter name: names for the addresses, as `ServiceMap.init` takes them.
    /// - Complexity: O(n log n) in links; on two threads.
    public func map(
      overrides: RoleOverrides = RoleOverrides(),
      networkBits: ServiceMap.NetworkBits = .init(),
      name: (IPAddress) -> String? = { _ in nil }
    ) -> ServiceMap {
      let table = LinkTable(links: links, addresses: addresses)
      // The self-check needs as long as the judging itself; the other core may be idle by now.
      let selfCheck = Mutex(SelfCheck())
      let isChecked = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        // Of this thread alone (setpriority(2)): where cores are short, the map comes first.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        let result = SelfCheck(table)
        selfCheck.withLock { $0 = result }
        isChecked.signal()
      }
      let order = AddressOrder(addresses)
      let judge = RoleJudge(table, overrides: overrides)
      var map = ServiceMap(
        capture: capture, addresses: order.sorted, sorted: judge.relations(ranks: order.ranks),
        networkBits: networkBits, name: name)
      map.completeness = Completeness(judge: judge, map: map)
      isChecked.wait()
      map.selfCheck = selfCheck.withLock { $0 }
      return map
    }
  }
}
