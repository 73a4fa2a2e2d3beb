import Testing
import Wire

@Suite struct SessionEventsTests {
  @Test("exchanging the sides twice changes nothing")
  func twice() {
    for raw in UInt16.min...UInt16.max {
      let events = SessionEvents(rawValue: raw)
      #expect(events.exchanged.exchanged == events)
    }
  }

  @Test("exchanging moves every fact to the other side and keeps the rest")
  func sides() {
    let pairs: [(SessionEvents, SessionEvents)] = [
      (.synFromA, .synFromB), (.synAckFromA, .synAckFromB), (.rstFromA, .rstFromB),
      (.finFromA, .finFromB), (.progressFromA, .progressFromB),
      (.brokeSilenceA, .brokeSilenceB),
    ]
    for (a, b) in pairs {
      // The first speaker flips with the sides.
      #expect(a.exchanged == b.union(.firstFromB))
      #expect(b.exchanged == a.union(.firstFromB))
    }
    let neutral: SessionEvents = [.insideTunnel, .portsUnknown, .firstFromB]
    #expect(neutral.exchanged == [.insideTunnel, .portsUnknown])
  }

  @Test("every fact has a bit of its own")
  func distinct() {
    let all: [SessionEvents] = [
      .synFromA, .synFromB, .synAckFromA, .synAckFromB, .rstFromA, .rstFromB, .finFromA, .finFromB,
      .firstFromB, .insideTunnel, .portsUnknown, .progressFromA, .progressFromB, .brokeSilenceA,
      .brokeSilenceB,
    ]
    #expect(all.reduce(0) { $0 + $1.rawValue.nonzeroBitCount } == all.count)
    #expect(SessionEvents(all).rawValue.nonzeroBitCount == all.count)
  }
}
