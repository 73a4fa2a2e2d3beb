import Foundation
import ServiceMap
import TestSupport
import Testing
import Wire

@testable import Reporter

@Suite struct HTMLReportTests {
  private func page(
    _ map: ServiceMap, _ language: ReportLanguage = .en, rowsMax: Int? = nil
  ) throws -> String {
    let folder = TemporaryFolder()
    let reporter = MapReport(
      map: map, serviceNames: FakeMap.serviceNames, language: language, version: "test")
    if let rowsMax {
      let report = try HTMLReport(reporter, rowsMax: rowsMax)
      try AtomicOutput.write(to: folder["map.html"]) { report.write(to: &$0) }
    } else {
      try reporter.write(.html, to: folder["map.html"])
    }
    return try folder.text("map.html")
  }

  /// The content of the `<script>` with the id, as an HTML parser cuts it out.
  private func script(_ id: String, in page: String) throws -> [String: Any] {
    let start = try #require(page.range(of: "<script id=\"\(id)\" type=\"application/json\">"))
    let end = try #require(page.range(of: "</script>", range: start.upperBound..<page.endIndex))
    let text = page[start.upperBound..<end.lowerBound]
    return try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test("refers to nothing outside of itself", arguments: ReportLanguage.allCases)
  func selfContained(language: ReportLanguage) throws {
    let page = try page(FakeMap.small(), language)
    for part in ["http://", "https://", "src=\"", "@import", "//cdn", "fetch("] {
      #expect(!page.contains(part), "\(part)")
    }
    // Parts of its own pictures are all that it may name.
    #expect(!page.replacing("url(#", with: "").contains("url("))
    #expect(page.contains("default-src 'none'"))
    #expect(page.contains("<html lang=\"\(language.rawValue)\">"))
    #expect(!page.contains("{{"))
  }

  @Test("shows foreign names as text wherever they come from")
  func hostileNames() throws {
    // A combining accent makes one Character of itself and the mark before it.
    let hostile =
      "</script><script>alert(1)</script><img src=x>\"\u{301} onload=\"alert(2)<\u{301}b>"
    let files = [CaptureReport.File(name: hostile, packets: 1, warning: hostile)]
    let page = try page(FakeMap.small(files: files))
    #expect(!page.contains("<script>alert"))
    #expect(!page.contains("<img"))
    let scalars = Array(page.unicodeScalars)
    for index in scalars.indices.dropFirst() where scalars[index] == "\u{301}" {
      #expect(scalars[index - 1] == ";", "an escape, not the mark itself")
    }
    #expect(page.components(separatedBy: "<script").count == 4)
    #expect(page.components(separatedBy: "</script>").count == 4)
    let names = try #require(try script("data", in: page)["names"] as? [String: String])
    #expect(names.values.contains(FakeMap.hostileName))
  }

  @Test("holds both languages, and every text that it or its script asks for")
  func phrases() throws {
    let page = try page(FakeMap.small())
    let texts = try script("texts", in: page)
    let english = try #require(texts["en"] as? [String: String])
    let japanese = try #require(texts["ja"] as? [String: String])
    #expect(english.keys.sorted() == japanese.keys.sorted())
    #expect(english.values.allSatisfy { !$0.isEmpty } && japanese.values.allSatisfy { !$0.isEmpty })
    var asked = Set<String>()
    let patterns = [
      /data-t(?:-title|-label|-placeholder)?="([^"{]+)"/, /\bt\("([\w.]+)"[,)]/,
      /\b(?:number|text|hostColumn)\("(\w+)"/, /\bkey: "(\w+)"/, /\bnote: "(\w+)"/,
    ]
    for pattern in patterns {
      for match in page.matches(of: pattern) { asked.insert(String(match.output.1)) }
    }
    #expect(asked.count > 80)
    #expect(asked.subtracting(english.keys) == [])
    for basis in Basis.allCases {
      #expect(english["basis.\(basis.name)"] != nil && english["because.\(basis.name)"] != nil)
    }
    for outcome in PacketOutcome.allCases {
      #expect(english["outcome.\(outcome.name)"] != nil && english["why.\(outcome.name)"] != nil)
    }
  }

  @Test("packs every packet of the map into the data of the script", arguments: [nil, 2000, 100])
  func packedData(rowsMax: Int?) throws {
    let map = rowsMax == nil ? FakeMap.small() : FakeMap.big(hosts: 400, relations: 3000)
    let page = try page(map, rowsMax: rowsMax)
    let data = try script("data", in: page)
    func numbers(_ text: Any?) throws -> Quantities { Quantities(try #require(text as? String)) }

    var services = try numbers(data["services"])
    var relations = try numbers(data["relations"])
    var packets: UInt64 = 0
    var clients = 0
    var count = 0
    while !services.isAtEnd {
      count += 1
      for _ in 0..<3 { _ = services.next() }
      let rows = Int(services.next())
      for _ in 0..<3 { _ = services.next() }
      let hidden = Int(services.next())
      _ = services.next()
      clients += rows + hidden - (hidden > 0 ? 1 : 0)
      for _ in 0..<rows {
        _ = relations.next()
        packets += relations.packets()
      }
    }
    #expect(count == map.services.count)
    #expect(clients == map.summary.relations)
    #expect(relations.isAtEnd)

    let hidden = try #require(data["restHidden"] as? [Int])
    for text in try #require(data["rest"] as? [String]) {
      var rest = Quantities(text)
      while !rest.isAtEnd {
        for _ in 0..<2 { _ = rest.next() }
        if rest.next() & 1 == 1 { _ = rest.next() }
        for _ in 0..<2 { _ = rest.next() }
        packets += rest.packets()
      }
    }
    if hidden.reduce(0, +) == 0 { #expect(packets == map.accounting[.mapped]) }
    #expect(page.contains("data-t=\"capped\"") == (rowsMax != nil))
    #expect((data["addresses"] as? [String])?.count == map.hosts.count)
  }

  @Test("has few roles, however many confidences the rule gives")
  func roles() throws {
    let data = try script("data", in: try page(FakeMap.big(hosts: 400, relations: 5000)))
    let roles = try #require(data["roles"] as? [[Any]])
    #expect(roles.count < 2000)
  }

  @Test("shows why and how to ask for more, in words")
  func reasons() throws {
    let page = try page(FakeMap.small(hostileNames: false))
    #expect(page.contains("<code>renkei why 10.0.0.5:443/tcp --store map.db</code>"))
    #expect(page.contains("<code>renkei why &#39;[2001:db8::5]:22/tcp&#39; --store map.db</code>"))
    #expect(page.contains("<span class=\"meter weak\" style=\"--c:40%\" aria-hidden=\"true\">"))
    #expect(page.contains("data-t=\"completeness.many\" data-v-services=\"7\" data-v-count=\"1\""))
  }

  @Test("is the same, byte for byte, at every run")
  func determinism() throws {
    let map = FakeMap.big(hosts: 300, relations: 3000)
    #expect(try page(map) == page(map))
  }

  @Test("shows an empty capture", arguments: ReportLanguage.allCases)
  func empty(language: ReportLanguage) throws {
    let map = ServiceMap(capture: CaptureReport(), addresses: [], relations: [])
    let page = try page(map, language)
    #expect(page.contains(language == .en ? "live capture" : "ライブキャプチャ"))
  }

  @Test("stays below 15 MB with 16,500 hosts and 300,000 relations")
  func size() throws {
    let folder = TemporaryFolder()
    let map = FakeMap.big(hosts: 16_500, relations: 300_000)
    try MapReport(map: map, serviceNames: FakeMap.serviceNames, language: .en, version: "test")
      .write(.html, to: folder["map.html"])
    let size =
      try FileManager.default.attributesOfItem(atPath: folder["map.html"])[.size] as? NSNumber
    #expect(try #require(size).intValue < 15_000_000)
  }
}

/// Reads what `ByteWriter.quantity` wrote.
private struct Quantities {
  private let digits: [UInt8]
  private var position = 0

  init(_ text: String) { digits = Array(text.utf8) }

  var isAtEnd: Bool { position == digits.count }

  mutating func next() -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let digit = Quantities.value(digits[position])
      position += 1
      value |= UInt64(digit & 31) << shift
      shift += 5
      if digit < 32 { return value }
    }
  }

  /// The counters of a row; its packets in both directions.
  mutating func packets() -> UInt64 {
    let hasFailed = next() & 1 == 1
    for _ in 0..<(hasFailed ? 3 : 1) { _ = next() }
    let packets = next() + next()
    _ = next()
    _ = next()
    return packets
  }

  private static func value(_ digit: UInt8) -> UInt8 {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit + 4
    case UInt8(ascii: "+"): 62
    default: 63
    }
  }
}
