import Testing
import Wire

@testable import Collector

/// What a collector takes over from one that was killed, wherever that was.
@Suite struct TakeoverTests {
  private func accounting(_ counts: [PacketOutcome: UInt64]) -> Accounting {
    var accounting = Accounting()
    for (outcome, packets) in counts { accounting[outcome] = packets }
    return accounting
  }

  private func header(_ counts: [PacketOutcome: UInt64], sequence: UInt64) -> BatchHeader {
    var header = BatchHeader(kind: .records, sequence: sequence)
    header.accounting = accounting(counts)
    return header
  }

  @Test("begins with nothing")
  func fresh() {
    let takeover = Takeover(items: 0, board: Accounting(), published: nil)
    #expect(takeover.accounting == Accounting())
    #expect(takeover.items == 0)
    #expect(takeover.sequence == 0)
  }

  @Test("counts as lost what was taken and is nowhere")
  func lost() {
    let takeover = Takeover(
      items: 100, board: accounting([.mapped: 60, .notIP: 5, .droppedByKernel: 40]), published: nil)
    #expect(takeover.accounting[.lostInCrash] == 35)
    #expect(takeover.accounting.captured == 140)
    #expect(takeover.items == 100)
  }

  @Test("takes a batch that the ring has and the board not for what it is")
  func killedBetweenRingAndBoard() {
    let takeover = Takeover(
      items: 100, board: accounting([.mapped: 60]),
      published: header([.mapped: 90, .filtered: 4], sequence: 7))
    #expect(takeover.accounting[.mapped] == 90)
    #expect(takeover.accounting[.filtered] == 4)
    #expect(takeover.accounting[.lostInCrash] == 6)
    #expect(takeover.sequence == 7)
  }

  @Test("takes what the board knows beyond the last batch")
  func newerBoard() {
    let takeover = Takeover(
      items: 100, board: accounting([.mapped: 60, .filtered: 30, .droppedByRing: 10]),
      published: header([.mapped: 60, .filtered: 4], sequence: 7))
    #expect(takeover.accounting == accounting([.mapped: 60, .filtered: 30, .droppedByRing: 10]))
  }

  @Test("loses nothing twice")
  func again() {
    let first = Takeover(items: 100, board: accounting([.mapped: 60]), published: nil)
    let second = Takeover(items: first.items, board: first.accounting, published: nil)
    #expect(second == first)
    // Killed before the loss was on the board.
    #expect(Takeover(items: 100, board: accounting([.mapped: 60]), published: nil) == first)
  }

  @Test("never makes more packets than there were, and never fewer than are accounted for")
  func anyMoment() {
    // A collector's life step by step: each packet's item, then its outcome, then batch and board.
    for killedAt in 0..<400 {
      var items: UInt64 = 0
      var own = Accounting()
      var board = Accounting()
      var published: BatchHeader?
      var open: UInt64 = 0
      var step = 0
      func lives() -> Bool {
        step += 1
        return step <= killedAt
      }
      life: for packet in 0..<100 {
        guard lives() else { break }
        items += 1
        guard lives() else { break }
        if packet % 3 == 0 { own[.filtered] += 1 } else { open += 1 }
        if packet % 10 == 9 {
          guard lives() else { break }
          own[.mapped] += open
          open = 0
          published = header([.mapped: own[.mapped], .filtered: own[.filtered]], sequence: 1)
        }
        if packet % 7 == 6 {
          // One word after the other.
          for outcome in [PacketOutcome.mapped, .filtered] {
            guard lives() else { break life }
            board[outcome] = own[outcome]
          }
        }
      }
      let takeover = Takeover(items: items, board: board, published: published)
      #expect(takeover.accounting.captured == items)
      #expect(takeover.accounting[.mapped] == published?.accounting[.mapped] ?? 0)
    }
  }
}
