import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Wire

@Suite struct SharedAddressesTests {
  private func address(_ number: Int) -> IPAddress {
    IPAddress(high: 0x2001_0DB8 << 32 | UInt64(number % 7), low: UInt64(number) << 3)
  }

  /// One more mapping of it, as another process has it.
  private func opened(_ book: SharedAddresses) throws -> SharedAddresses {
    try SharedAddresses(inherited: dup(book.descriptor))
  }

  @Test("each address has one handle, whoever asks, and the handle gives it back")
  func handles() throws {
    let book = try SharedAddresses(capacity: 1000)
    let other = try opened(book)
    let handles = try (0..<1000).map { try #require(book.handle(of: address($0))) }
    #expect(Set(handles).count == 1000)
    #expect(handles.allSatisfy(AddressHandle.isHandle))
    for (number, handle) in handles.enumerated() {
      #expect(other.handle(of: address(number)) == handle)
      #expect(other.address(of: handle) == address(number))
    }
    #expect(other.count == 1000)
    #expect(book.address(of: v4("10.0.0.1")) == IPAddress(v4: v4("10.0.0.1")))
  }

  @Test("a full book takes no more, and still knows what it has")
  func capacity() throws {
    let book = try SharedAddresses(capacity: 10)
    let handles = (0..<20).map { book.handle(of: address($0)) }
    #expect(handles.prefix(10).allSatisfy { $0 != nil })
    #expect(handles.suffix(10).allSatisfy { $0 == nil })
    #expect((0..<20).map { book.handle(of: address($0)) } == handles)
    #expect(book.count == 10)
    // A number that was never given is no address of somebody else.
    #expect(book.address(of: AddressHandle.first + 10) == IPAddress(v4: AddressHandle.first + 10))
  }

  @Test("writers that enter the same addresses at the same time agree")
  func writersAtOnce() throws {
    let book = try SharedAddresses(capacity: 40_000)
    let writers = 4
    let found = Mutex([[UInt32]](repeating: [], count: writers))
    let books = try (0..<writers).map { _ in try opened(book) }
    DispatchQueue.concurrentPerform(iterations: writers) { writer in
      // Each in another order.
      var handles = [UInt32](repeating: 0, count: 5000)
      for step in 0..<5000 {
        let number = (step * [1, 3, 7, 9][writer]) % 5000
        handles[number] = books[writer].handle(of: address(number)) ?? 0
      }
      found.withLock { $0[writer] = handles }
    }
    let handles = found.withLock { $0 }
    #expect(handles.allSatisfy { $0 == handles[0] })
    #expect(Set(handles[0]).count == 5000 && !handles[0].contains(0))
    for (number, handle) in handles[0].enumerated() {
      #expect(book.address(of: handle) == address(number))
    }
    // Numbers that lost a race are nobody's; there are few.
    #expect(book.count >= 5000 && book.count < 5000 * writers)
  }

  @Test("a writer killed after it got a number costs that number, and nothing else")
  func killed() throws {
    let book = try SharedAddresses(capacity: 5)
    let first = try #require(book.handle(of: address(1)))
    // It had a number, and had written the address or not; no slot leads to it.
    SharedBytes.set(book.descriptor, at: 64, to: 2)
    let next = try opened(book)
    let second = try #require(next.handle(of: address(2)))
    #expect(second == first + 2)
    #expect(book.handle(of: address(2)) == second && book.address(of: second) == address(2))
    #expect(book.handle(of: address(3)) != nil && book.handle(of: address(4)) != nil)
    #expect(book.handle(of: address(5)) == nil)
    #expect(book.handle(of: address(1)) == first)
  }

  @Test("refuses memory that is no address book")
  func foreign() throws {
    let ring = try makeRing()
    defer { close(ring) }
    #expect(throws: RingError.self) { try SharedAddresses(inherited: dup(ring)) }
    let book = try SharedAddresses(capacity: 100)
    SharedBytes.set(book.descriptor, at: 8, to: 1 << 27)
    #expect(throws: RingError.self) { try SharedAddresses(inherited: dup(book.descriptor)) }
  }
}
