import TestSupport
import Testing

/// Options of `renkei stage collect` that contradict each other.
@Suite struct CollectOptionsTests {
  @Test(
    "refuses what makes no sense",
    arguments: [
      [], ["--read", "a", "--interface", "b", "--addresses-fd", "1"], ["--interface", "b"],
      ["--interface", "b", "--addresses-fd", "1", "--snaplen", "10"],
      ["--interface", "b", "--addresses-fd", "1", "--buffer-bytes", "4096"],
      ["--interface", "b", "--addresses-fd", "1", "--for", "0"],
      ["--interface", "b", "--addresses-fd", "1", "--for", "nan"],
      ["--interface", "b", "--addresses-fd", "1", "--fanout", "65536"],
    ])
  func refused(options: [String]) throws {
    let stage = [
      "stage", "collect", "--capture", "x", "--status-fd", "0", "--process", "0", "--parent", "1",
    ]
    let result = try Command.run(stage + ["--output-fd", "0"] + options)
    #expect(result.status == 2, "\(result.errors)")
  }
}
