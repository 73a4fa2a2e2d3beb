import Testing
import Wire

@Suite struct SessionEventsTests {
  @Test("exchanging the sides twice changes nothing")
  func twice() {
    for raw in UInt16(0)..<1 << 13 {
      let events = SessionEvents(rawValue: raw)
      #expect(events.exchanged.exchanged == events)
    }
  }

  @Test("exchanging moves every fact to the other side and keeps the rest")
  func sides() {
    let pairs: [(SessionEvents, SessionEvents)] = [
      (.synFromA, .synFromB), (.synAckFromA, .synAckFromB), (.rstFromA, .rstFromB),
      (.finFromA, .finFromB), (.progressFromA, .progressFromB),
    ]
    for (a, b) in pairs {
      // The first speaker flips with the sides.
      #expect(a.exchanged == b.union(.firstFromB))
      #expect(b.exchanged == a.union(.firstFromB))
    }
    let neutral: SessionEvents = [.insideTunnel, .portsUnknown, .firstFromB]
    #expect(neutral.exchanged == [.insideTunnel, .portsUnknown])
  }
}
