import Testing

@testable import Renkei

@Suite struct QuantityTests {
  @Test(
    "durations",
    arguments: [
      ("90", 90), ("90s", 90), ("1.5h", 5400), ("6h", 21_600), ("14d", 1_209_600),
      ("2w", 1_209_600),
      ("3m", 180), ("3min", 180), ("250ms", 0.25), ("10 s", 10), ("0", 0),
    ] as [(String, Double)])
  func seconds(text: String, seconds: Double) {
    #expect(Quantity.seconds(text) == seconds)
  }

  @Test(
    "sizes",
    arguments: [
      ("4096", 4096), ("64MiB", 67_108_864), ("2GB", 2_000_000_000), ("1.5 kib", 1536), ("7B", 7),
      ("1TiB", 1 << 40),
    ])
  func bytes(text: String, bytes: Int) {
    #expect(Quantity.bytes(text) == bytes)
  }

  @Test(
    "what is neither",
    arguments: [
      "", "s", "-1s", "1 h 2 m", ".5h", "5.h", "1e3", "0x10", "1.2.3s", "1  s", "１s", "nan", "5S",
    ])
  func neither(text: String) {
    #expect(Quantity.seconds(text) == nil)
    #expect(Quantity.bytes(text.replacing("s", with: "MX").replacing("h", with: "M")) == nil)
  }

  @Test("parts of a byte and more than can be counted are no sizes")
  func noSizes() {
    #expect(Quantity.bytes("0.5B") == nil)
    #expect(Quantity.bytes("99999999999TiB") == nil)
    #expect(Quantity.bytes("64M") == nil)
  }

  @Test("written in the largest unit, and read back as the same")
  func back() {
    for (value, text) in [(21_600.0, "6h"), (60, "1m"), (61, "61s"), (0.2, "200ms"), (0, "0s")] {
      #expect(Quantity.duration(seconds: value) == text)
      #expect(Quantity.seconds(text) == value)
    }
    for (value, text) in [
      (67_108_864, "64MiB"), (2_000_000_000, "2GB"), (123_456_789, "123456789"), (0, "0"),
      (1536, "1536"), (1000, "1kB"), (1024, "1KiB"), (512, "512"),
    ] {
      #expect(Quantity.size(bytes: value) == text)
      #expect(Quantity.bytes(text) == value)
    }
  }
}

@Suite struct NearestKeyTests {
  private let keys = UnitConfiguration.settings.map(\.name)

  @Test(
    "finds what was meant",
    arguments: [
      ("promiscous", "promiscuous"), ("SnapLenBytes", "snaplenBytes"), ("snaplen", "snaplenBytes"),
      ("lisetn", "listen"), ("interface", "interfaces"), ("trakcers", "trackers"),
      ("ringbyte", "ringBytes"),
    ])
  func near(word: String, key: String) {
    #expect(NearestKey.of(word, among: keys) == key)
  }

  @Test("and says nothing where nothing is near", arguments: ["xyz", "verbosity", "", "p"])
  func far(word: String) {
    #expect(NearestKey.of(word, among: keys) == nil)
  }

  @Test("the distance counts inserting, leaving out, changing and swapping")
  func distance() {
    #expect(NearestKey.distance("abc", "abc") == 0)
    #expect(NearestKey.distance("abc", "acb") == 1)
    #expect(NearestKey.distance("abc", "ab") == 1)
    #expect(NearestKey.distance("kitten", "sitting") == 3)
    #expect(NearestKey.distance("", "abcd") == 4)
  }
}
