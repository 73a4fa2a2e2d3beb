import Testing

@testable import Cluster

@Suite struct ClusterSubjectTests {
  @Test func namesOfPoints() {
    #expect(
      ClusterSubject.isName("core-1") && !ClusterSubject.isName("") && !ClusterSubject.isName("a.b")
    )
  }
}
