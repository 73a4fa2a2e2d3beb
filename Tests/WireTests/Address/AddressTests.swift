import TestSupport
import Testing
import Wire

@Suite struct AddressTests {
  @Test(
    "reads and writes addresses in their canonical form",
    arguments: [
      ("10.1.2.3", "10.1.2.3"), ("255.255.255.255", "255.255.255.255"),
      ("2001:DB8:0:0::1", "2001:db8::1"), ("::1", "::1"), ("fe80::1%eth0", "fe80::1"),
    ])
  func text(_ input: String, _ output: String) throws {
    #expect(try #require(IPAddress(input)).description == output)
  }

  @Test("refuses what is no address", arguments: ["", "10.0.0", "10.0.0.256", "::g", "host"])
  func noAddress(text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test("knows groups", arguments: ["224.0.0.1", "239.255.255.250", "255.255.255.255", "ff02::1"])
  func groups(text: String) throws {
    #expect(try #require(IPAddress(text)).isMulticastOrBroadcast)
  }

  @Test("masks to networks")
  func networks() throws {
    let four = try #require(IPAddress("10.1.2.3"))
    #expect(four.masked(v4Bits: 24, v6Bits: 64).description == "10.1.2.0")
    #expect(four.masked(v4Bits: 0, v6Bits: 64).description == "0.0.0.0")
    #expect(four.masked(v4Bits: 32, v6Bits: 64) == four)
    let six = try #require(IPAddress("2001:db8:1:2:3:4:5:6"))
    #expect(six.masked(v4Bits: 24, v6Bits: 64).description == "2001:db8:1:2::")
    #expect(six.masked(v4Bits: 24, v6Bits: 72).description == "2001:db8:1:2::")
    #expect(six.masked(v4Bits: 24, v6Bits: 128) == six)
  }

  @Test("orders IPv4 by number and apart from IPv6")
  func order() throws {
    let texts = ["9.255.0.1", "10.0.0.1", "10.0.0.2", "192.168.0.1", "2001:db8::1", "fe80::1"]
    let addresses = try texts.map { try #require(IPAddress($0)) }
    #expect(addresses.sorted() == addresses)
  }

  @Test("an address book gives each address one handle, and a table gives it back")
  func handles() {
    var book = AddressBook()
    var table = AddressTable()
    var generator = SeededGenerator(seed: 5)
    var known: [IPAddress: UInt32] = [:]
    for _ in 0..<20_000 {
      let address = IPAddress(high: generator.next() % 100, low: generator.next() % 100)
      guard let (handle, isNew) = book.intern(address) else { continue }
      #expect(isNew == (known[address] == nil))
      if let before = known[address] { #expect(before == handle) }
      known[address] = handle
      if isNew { table.learn(handle: handle, address: address) }
      #expect(table.address(of: handle) == address)
    }
    #expect(book.count == known.count)
    #expect(table.address(of: v4("10.0.0.1")) == IPAddress(v4: v4("10.0.0.1")))
  }

  @Test("a full book takes no more, and still knows what it has")
  func fullBook() {
    var book = AddressBook(capacity: 2)
    #expect(book.intern(IPAddress(high: 1, low: 0))?.isNew == true)
    #expect(book.intern(IPAddress(high: 2, low: 0))?.isNew == true)
    #expect(book.intern(IPAddress(high: 3, low: 0)) == nil)
    #expect(book.intern(IPAddress(high: 1, low: 0))?.isNew == false)
  }

  @Test("255.255.255.255 is no handle, 240.0.0.0 is")
  func bounds() {
    #expect(AddressHandle.isHandle(0xF000_0000))
    #expect(AddressHandle.isHandle(0xFEFF_FFFF))
    #expect(!AddressHandle.isHandle(0xFF00_0000))
    #expect(!AddressHandle.isHandle(.max))
    #expect(!AddressHandle.isHandle(0xEFFF_FFFF))
  }
}
