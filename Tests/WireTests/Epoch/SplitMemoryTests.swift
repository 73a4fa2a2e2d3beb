import Glibc
import TestSupport
import Testing

@testable import Wire

@Suite struct SplitMemoryTests {
  @Test("a step that was begun and not ended is found by the next splitter, and only then")
  func steps() throws {
    let memory = try SplitMemory()
    #expect(memory.begun(inputs: 2, outputs: 3) == nil)
    for round in 1...5 as ClosedRange<UInt64> {
      let step = SplitMemory.Step(
        inputs: [round, 2 * round], outputs: [3 * round, 0, .max - round], dropped: round)
      memory.begin(step)
      let next = try SplitMemory(inherited: dup(memory.descriptor))
      let begun = try #require(next.begun(inputs: 2, outputs: 3))
      #expect(begun.inputs == step.inputs && begun.outputs == step.outputs)
      #expect(begun.dropped == round && next.dropped == round)
      next.end()
      #expect(memory.begun(inputs: 2, outputs: 3) == nil)
      #expect(memory.dropped == round)
    }
  }

  @Test("as many rings on each side as there may be")
  func rings() throws {
    let memory = try SplitMemory()
    let numbers = (0..<UInt64(SplitMemory.ringsMax)).map { $0 + 1 }
    memory.begin(SplitMemory.Step(inputs: numbers, outputs: numbers.reversed(), dropped: 0))
    let begun = try #require(memory.begun(inputs: numbers.count, outputs: numbers.count))
    #expect(begun.inputs == numbers && begun.outputs == numbers.reversed())
  }

  @Test("a sample is there as a whole or not at all")
  func sample() throws {
    let memory = try SplitMemory()
    memory.sample = []
    #expect(memory.sample == nil)
    memory.sample = (0..<20_000).map { $0 * 3 }
    #expect(memory.sample == (0..<UInt64(SplitMemory.sampleMax)).map { $0 * 3 })
    // Killed before it was complete: the count is written last.
    SharedBytes.set(memory.descriptor, at: 8, to: 0)
    #expect(try SplitMemory(inherited: dup(memory.descriptor)).sample == nil)
  }

  @Test("refuses memory that is none")
  func foreign() throws {
    let ring = try makeRing()
    defer { close(ring) }
    #expect(throws: RingError.self) { try SplitMemory(inherited: dup(ring)) }
  }
}
