internal import Foundation
internal import Synchronization
public import Wire

extension MapStore {
  /// What a store holds, in memory: roles are not judged yet.
  public struct Content: Sendable {
    public let capture: CaptureReport
    public let addresses: [IPAddress]
    /// They refer to `addresses`.
    public let links: [Link]

    public init(capture: CaptureReport, addresses: [IPAddress], links: [Link]) {
      self.capture = capture
      self.addresses = addresses
      self.links = links
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
      // The self-check needs as long as the judging itself; the other core is idle by now.
      let selfCheck = Mutex(SelfCheck())
      let isChecked = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        let result = SelfCheck(links: links, addresses: addresses)
        selfCheck.withLock { $0 = result }
        isChecked.signal()
      }
      let judge = RoleJudge(links: links, addresses: addresses, overrides: overrides)
      var map = ServiceMap(
        capture: capture, addresses: addresses, relations: judge.relations(),
        networkBits: networkBits, name: name)
      map.completeness = Completeness(judge: judge, map: map)
      isChecked.wait()
      map.selfCheck = selfCheck.withLock { $0 }
      return map
    }
  }
}
