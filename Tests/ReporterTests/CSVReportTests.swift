import Reporter
import ServiceMap
import Testing
import Wire

@Suite struct CSVReportTests {
  /// Rows of fields, read as RFC 4180 says.
  private func parse(_ text: String) -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var previous: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""):
        // A doubled quotation mark closes and opens again: the first was one of the text.
        if !isQuoted, previous == byte { field.append(byte) }
        isQuoted.toggle()
      case UInt8(ascii: ",") where !isQuoted, UInt8(ascii: "\n") where !isQuoted:
        if byte == UInt8(ascii: "\n"), field.last == UInt8(ascii: "\r") { field.removeLast() }
        row.append(String(decoding: field, as: UTF8.self))
        field = []
        if byte == UInt8(ascii: "\n") {
          rows.append(row)
          row = []
        }
      default: field.append(byte)
      }
      previous = byte
    }
    return rows
  }

  private func csv(_ map: ServiceMap) throws -> String {
    let folder = TemporaryFolder()
    try MapReport(map: map, serviceNames: FakeMap.serviceNames, language: .en, version: "test")
      .write(.csv, to: folder["map.csv"])
    return try folder.text("map.csv")
  }

  @Test("has one row a relation, and every row has the columns of the header")
  func rows() throws {
    let map = FakeMap.small()
    let rows = parse(try csv(map))
    #expect(rows.count == map.relations.count + 1)
    #expect(rows.allSatisfy { $0.count == rows[0].count })
    let packets = ["packets_to_server", "packets_to_client"].map { rows[0].firstIndex(of: $0)! }
    let sum = rows.dropFirst().reduce(UInt64(0)) { sum, row in
      sum + packets.reduce(0) { $0 + UInt64(row[$1])! }
    }
    #expect(sum == map.accounting[.mapped])
  }

  @Test("says how many ports and addresses a row stands for in its last columns")
  func ports() throws {
    let rows = parse(try csv(FakeMap.small()))
    #expect(rows[0].suffix(2) == ["server_ports", "addresses"])
    #expect(rows.dropFirst().map { $0.suffix(2) }.filter { $0 != ["1", "1"] } == [["65535", "1"]])
  }

  @Test("quotes names with quotation marks, commas and line ends, and disarms formulas")
  func quoting() throws {
    let rows = parse(try csv(FakeMap.small()))
    let name = rows[0].firstIndex(of: "server_name")!
    #expect(rows.contains { $0[name] == FakeMap.hostileName })
    #expect(rows.contains { $0[name] == "'=HYPERLINK(\"x\"),1" })
  }

  @Test("ends every line with CR LF")
  func lineEnds() throws {
    let text = Array(try csv(FakeMap.small()).utf8)
    for index in text.indices where text[index] == UInt8(ascii: "\n") {
      #expect(text[index - 1] == UInt8(ascii: "\r"))
    }
    #expect(text.last == UInt8(ascii: "\n"))
  }
}
