import Testing
import Wire

@Suite struct GroupedDigitsTests {
  @Test(
    "puts a comma before every third digit",
    arguments: [
      (UInt64(0), "0"), (999, "999"), (1000, "1,000"), (71_872, "71,872"),
      (1_234_567, "1,234,567"), (.max, "18,446,744,073,709,551,615"),
    ])
  func grouped(value: UInt64, text: String) {
    #expect(value.grouped == text)
  }
}
