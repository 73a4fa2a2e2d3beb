import Foundation
import TestSupport
import Testing
import Wire

@testable import ServiceMap

@Suite struct AddressPseudonymsTests {
  /// That of the sample that comes with the authors' implementation of Crypto-PAn.
  private static let sampleKey: [UInt8] = [
    21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131, 121,
    121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2,
  ]

  private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  @Test(
    "turns the bits that the authors' implementation turns",
    arguments: [
      ("128.11.68.132", "135.242.180.132"), ("129.118.74.4", "134.136.186.123"),
    ])
  func vectors(_ before: String, _ after: String) throws {
    let crypto = try CryptoPAn(key: AddressPseudonymsTests.sampleKey)
    let (before, after) = (try address(before), try address(after))
    #expect(before.v4 ^ (try crypto.mask(v4: before.v4)) == after.v4)
  }

  @Test("two addresses have as many first bits in common as before, and none becomes another's")
  func prefixes() throws {
    var generator = TestSeed.generator(for: "AddressPseudonymsTests.prefixes")
    let key = (0..<32).map { _ in UInt8.random(in: 0...UInt8.max, using: &generator) }
    let pseudonyms = try AddressPseudonyms(key: key)
    var addresses: [IPAddress] = []
    for _ in 0..<150 {
      let v4 = UInt32.random(in: 0...UInt32.max, using: &generator)
      let bit = UInt32(1) << UInt32.random(in: 0..<32, using: &generator)
      addresses += [IPAddress(v4: v4), IPAddress(v4: v4 ^ bit), IPAddress(v4: v4 | 0xFF)]
    }
    for _ in 0..<40 {
      let high = UInt64.random(in: 0...UInt64.max, using: &generator)
      let low = UInt64.random(in: 0...UInt64.max, using: &generator)
      let bit = UInt64(1) << UInt64.random(in: 0..<64, using: &generator)
      addresses += [
        IPAddress(high: high, low: low), IPAddress(high: high ^ bit, low: low),
        IPAddress(high: high, low: low ^ bit), IPAddress(high: 0, low: low >> 8),
      ]
    }
    for text in [
      "10.0.0.1", "10.255.0.1", "172.16.0.1", "172.32.0.1", "192.168.1.1", "192.169.0.1", "::2",
      "127.0.0.2", "126.0.0.1", "223.255.255.255", "fe80::1", "fd00::1", "2001:db8::1", "::1:0:0",
    ] {
      addresses.append(try address(text))
    }
    let found = try addresses.map { try pseudonyms.pseudonym(of: $0) }
    for one in addresses.indices {
      #expect(found[one].isIPv4 == addresses[one].isIPv4, "\(addresses[one])")
      for other in one..<addresses.count
      where addresses[one].isIPv4 == addresses[other].isIPv4 {
        #expect(
          AddressPseudonyms.commonBits(found[one], found[other])
            == AddressPseudonyms.commonBits(addresses[one], addresses[other]))
      }
    }
    #expect(zip(addresses, found).count { $0 != $1 } > addresses.count / 2)
  }

  @Test("what is special stays so, and nothing becomes special")
  func special() throws {
    var generator = TestSeed.generator(for: "AddressPseudonymsTests.special")
    let directory = HostDirectory()
    for _ in 0..<10 {
      let key = (0..<32).map { _ in UInt8.random(in: 0...UInt8.max, using: &generator) }
      let pseudonyms = try AddressPseudonyms(key: key)
      for text in [
        "0.0.0.0", "255.255.255.255", "224.0.0.251", "239.1.2.3", "127.0.0.1", "::", "::1",
        "ff02::fb", "ff05::1:3",
      ] {
        #expect(try pseudonyms.pseudonym(of: address(text)) == address(text))
      }
      // Of a solicited node's group the group stays, and who it is of goes.
      let group = try pseudonyms.pseudonym(of: address("ff02::1:ff12:3456"))
      #expect(try group.masked(v4Bits: 0, v6Bits: 104) == address("ff02::1:ff00:0"))
      for _ in 0..<300 {
        let v4 = IPAddress(v4: .random(in: 0...UInt32.max, using: &generator))
        let v6 = IPAddress(
          high: .random(in: 0...UInt64.max, using: &generator),
          low: .random(in: 0...UInt64.max, using: &generator))
        let ten = IPAddress(v4: 0x0A00_0000 | .random(in: 0...0xFF_FFFF, using: &generator))
        for before in [v4, v6, ten] {
          let after = try pseudonyms.pseudonym(of: before)
          #expect(after.isMulticastOrBroadcast == before.isMulticastOrBroadcast)
          #expect(directory.isInside(after) == directory.isInside(before))
          if before.isIPv4 { #expect((after.v4 & 0xFF == 0xFF) == (before.v4 & 0xFF == 0xFF)) }
        }
      }
    }
  }

  @Test("a key is made once, for its owner alone, and is the same afterwards")
  func keys() throws {
    let folder = try TemporaryDirectory()
    let path = folder.path("key")
    let made = try AnonymousKey.readOrMake(path: path)
    #expect(made.isNew && made.key.count == 32)
    let again = try AnonymousKey.readOrMake(path: path)
    #expect(!again.isNew && again.key == made.key)
    let facts = try FileManager.default.attributesOfItem(atPath: path)
    #expect((facts[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    #expect(throws: StoreError.self) { try AnonymousKey.readOrMake(path: path) }
    for text in ["", "abc", String(repeating: "g", count: 64), String(repeating: "a", count: 66)] {
      try FileManager.default.removeItem(atPath: path)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      #expect(throws: StoreError.self, "\(text)") { try AnonymousKey.readOrMake(path: path) }
    }
  }
}
