internal import Dispatch
internal import ServiceMap

/// Explains roles: the judge of a map is made when somebody asks for the first time, and kept for the next.
actor Hearings {
  private var judge: (map: UInt64, judge: Task<RoleJudge, Never>)?
  private let queue = DispatchQueue(label: "renkei.why", qos: .userInitiated)

  /// - Returns: nil where nothing was seen of the endpoint.
  /// - Complexity: O(n log n) in links for the first of a map; then in the endpoint's links, some times over,
  ///   for what would change the verdict.
  func explanation(
    of endpoint: Explanation.Endpoint, _ snapshot: MapSnapshot
  ) async -> Explanation? {
    guard let evidence = snapshot.evidence else { return nil }
    if judge?.map != snapshot.number {
      judge = (
        snapshot.number,
        Task {
          await aside {
            RoleJudge(
              links: evidence.links, addresses: evidence.addresses, overrides: evidence.overrides)
          }
        }
      )
    }
    guard let judge = await judge?.judge.value else { return nil }
    return await aside { judge.explain(endpoint) }
  }

  /// On a thread that may take its time.
  private func aside<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: body()) }
    }
  }
}
