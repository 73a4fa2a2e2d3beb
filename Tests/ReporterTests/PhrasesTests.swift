import Testing

@testable import Reporter

@Suite struct PhrasesTests {
  @Test("says one client and two clients")
  func plural() {
    let english = Phrases(.en)
    #expect(english.filled("clientsUnit", ["count": "1"]) == "1 client")
    #expect(english.filled("clientsUnit", ["count": "0"]) == "0 clients")
    #expect(english.filled("clientsUnit", ["count": "1,001"]) == "1,001 clients")
    let values: KeyValuePairs = ["hosts": "2", "networks": "1", "servers": "1", "clients": "1"]
    #expect(
      english.filled("summaryHosts", values) == "2 in 1 network: 1 server, 1 client only")
    #expect(Phrases(.ja).filled("clientsUnit", ["count": "1"]) == "クライアント 1")
  }

  @Test("leaves alone what has no value, and puts values in as they are")
  func filling() {
    let english = Phrases(.en)
    #expect(english.filled("packetsUnit", [:]) == "{count} {count?packet/packets}")
    #expect(english.filled("hostUnknown", ["address": "{count}"]) == "No host {count} in this map.")
  }

  @Test("fills the same names in both languages, and leaves no half of a brace")
  func names() {
    for row in Phrases.rows {
      func names(_ text: String) -> Set<Substring> { Set(text.matches(of: /{(\w+)/).map(\.1)) }
      #expect(names(row.en) == names(row.ja), "\(row.key)")
      for text in [row.en, row.ja] {
        let rest = text.replacing(/{\w+(\?[^\/{}]+\/[^\/{}]+)?}/, with: "")
        #expect(!rest.contains("{") && !rest.contains("}"), "\(row.key)")
      }
    }
  }

  @Test("never rounds a share to nothing or to all")
  func share() {
    #expect(HumanUnits.share(0, of: 10) == "0\u{A0}%")
    #expect(HumanUnits.share(10, of: 10) == "100\u{A0}%")
    #expect(HumanUnits.share(1, of: 100_000) == "<\u{A0}0.1\u{A0}%")
    #expect(HumanUnits.share(99_999, of: 100_000) == ">\u{A0}99.9\u{A0}%")
    #expect(HumanUnits.share(992, of: 1000) == "99.2\u{A0}%")
    #expect(HumanUnits.share(0, of: 0) == "0\u{A0}%")
  }
}
