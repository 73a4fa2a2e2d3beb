import Cluster
import Foundation
import TestSupport
import Testing

@testable import Tracker

@Suite struct AssignmentTests {
  typealias Owner = Assignment.Owner

  private func isLevel(_ assignment: Assignment, _ alive: Set<Owner>, shards: Int) -> Bool {
    let counts = alive.map { assignment.shards(of: $0).count }
    return counts.reduce(0, +) == shards && (counts.max() ?? 0) - (counts.min() ?? 0) <= 1
  }

  @Test("whoever comes or goes, each shard has one owner, all have as many, and few move")
  func joinsAndLeaves() {
    var generator = TestSeed.generator(for: "assignment")
    for shards in [1, 2, 16, 64] {
      var assignment = Assignment()
      var alive: Set<Owner> = []
      var born: UInt64 = 0
      for _ in 0..<200 {
        let before = assignment
        let aliveBefore = alive
        if alive.isEmpty || Bool.random(using: &generator) && alive.count < 9 {
          born += 1
          // A name comes again in another life.
          alive.insert(Owner(name: "t\(born % 5)", incarnation: born))
        } else if let gone = alive.sorted().randomElement(using: &generator) {
          alive.remove(gone)
        }
        assignment = assignment.balanced(shards: shards, keeping: alive, receiving: alive)
        #expect(
          alive.isEmpty ? assignment.owners.isEmpty : isLevel(assignment, alive, shards: shards))
        // Of those who stayed nobody got a shard from another who stayed, if somebody left.
        let stayed = alive.intersection(aliveBefore)
        let moved = (0..<shards).filter { shard in
          guard let old = before.owners[shard], stayed.contains(old) else { return false }
          return assignment.owners[shard] != old
        }
        if !alive.isEmpty && alive.isSubset(of: aliveBefore) { #expect(moved.isEmpty) }
        #expect(moved.count <= shards / max(1, alive.count))
        #expect(
          assignment == assignment.balanced(shards: shards, keeping: alive, receiving: alive))
      }
    }
  }

  @Test("who may only keep gets nothing; nobody alive leaves shards without an owner")
  func keeping() {
    let (one, other) = (Owner(name: "a", incarnation: 1), Owner(name: "b", incarnation: 2))
    var assignment = Assignment()
    assignment = assignment.balanced(shards: 8, keeping: [one], receiving: [other])
    #expect(assignment.shards(of: other).count == 8)
    assignment = assignment.balanced(shards: 8, keeping: [one, other], receiving: [one])
    #expect(assignment.shards(of: one).count == 4)
    let unlevelled = assignment.balanced(
      shards: 8, keeping: [], receiving: [one, Owner(name: "c", incarnation: 3)],
      isLevelled: false)
    #expect(unlevelled.shards(of: one).isSuperset(of: assignment.shards(of: one)))
    #expect(assignment.balanced(shards: 8, keeping: [], receiving: []).owners.isEmpty)
  }

  @Test("its JSON has the shards as keys")
  func json() throws {
    var assignment = Assignment()
    assignment.owners[3] = Owner(name: "t", incarnation: 1 << 63)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let text = String(decoding: try encoder.encode(assignment), as: UTF8.self)
    #expect(
      text == #"{"owners":{"3":{"incarnation":9223372036854775808,"name":"t"}},"version":1}"#)
    #expect(try JSONDecoder().decode(Assignment.self, from: Data(text.utf8)) == assignment)
  }
}

@Suite struct MembershipTests {
  private func entry(_ name: String, _ incarnation: UInt64, revision: UInt64) throws -> (
    String, BucketValue
  ) {
    let status = ProcessStatus(
      role: .tracker, name: name, host: "", pid: 1, version: "", incarnation: incarnation,
      atSeconds: 0)
    return (
      "tracker.\(name)",
      BucketValue(value: [UInt8](try JSONEncoder().encode(status)), revision: revision)
    )
  }

  @Test("alive is whose entry changes, by the reader's clock")
  func silence() throws {
    var membership = Membership(takeoverSeconds: 4)
    let (a, b) = (
      Assignment.Owner(name: "a", incarnation: 7), Assignment.Owner(name: "b", incarnation: 8)
    )
    for second in 0..<20 {
      var entries = [try entry("a", 7, revision: 100 + UInt64(second))]
      // Was there before, and never changes.
      entries.append(try entry("b", 8, revision: 50))
      membership.observe(
        Dictionary(uniqueKeysWithValues: entries), nowSeconds: Double(second))
      let keeping = membership.keeping(nowSeconds: Double(second))
      #expect(keeping == (second <= 4 ? [a, b] : [a]))
      #expect(membership.receiving(nowSeconds: Double(second)) == (second == 0 ? [] : [a]))
    }
    #expect(membership.lastSeenSeconds(of: b) == 0)
    // It says that it goes.
    membership.observe([:], nowSeconds: 20)
    #expect(membership.keeping(nowSeconds: 20) == [])
    #expect(membership.lastSeenSeconds(of: a) == 19)
    // Another life of the same name appears while this one looks.
    let (key, value) = try entry("a", 9, revision: 200)
    membership.observe([key: value], nowSeconds: 21)
    #expect(
      membership.receiving(nowSeconds: 21) == [Assignment.Owner(name: "a", incarnation: 9)])
  }

  @Test("silence means nothing where nobody could be heard")
  func outage() throws {
    var membership = Membership(takeoverSeconds: 4)
    let a = Assignment.Owner(name: "a", incarnation: 7)
    for second in 0..<3 {
      membership.observe(
        Dictionary(uniqueKeysWithValues: [try entry("a", 7, revision: 1 + UInt64(second))]),
        nowSeconds: Double(second))
    }
    let (key, value) = try entry("a", 7, revision: 3)
    membership.observe([key: value], nowSeconds: 60)
    #expect(membership.keeping(nowSeconds: 60) == [a])
    #expect(membership.receiving(nowSeconds: 60) == [])
    for second in [61.0, 62, 63, 64] { membership.observe([key: value], nowSeconds: second) }
    #expect(membership.keeping(nowSeconds: 64) == [a])
    membership.observe([key: value], nowSeconds: 65)
    #expect(membership.keeping(nowSeconds: 65) == [])
  }

  @Test("what is no status is nobody", arguments: ["", "{}", "[1", #"{"name":"a"}"#])
  func garbage(text: String) {
    var membership = Membership(takeoverSeconds: 4)
    membership.observe(
      ["tracker.a": BucketValue(value: Array(text.utf8), revision: 1)], nowSeconds: 0)
    #expect(membership.keeping(nowSeconds: 0) == [])
  }
}
