internal import Glibc

/// What is in a shared memory file, read and written as a whole: so a test makes the state in which a process
/// that was killed at some moment would have left it.
public enum SharedBytes {
  /// All bytes of the memory file.
  public static func read(_ descriptor: Int32) -> [UInt8] {
    var facts = stat()
    fstat(descriptor, &facts)
    var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
    let count = pread(descriptor, &bytes, bytes.count, 0)
    precondition(count == bytes.count, "the memory file could not be read")
    return bytes
  }

  /// Puts all bytes in their places.
  public static func write(_ bytes: [UInt8], to descriptor: Int32) {
    let count = pwrite(descriptor, bytes, bytes.count, 0)
    precondition(count == bytes.count, "the memory file could not be written")
  }

  /// The 64-bit word at `offset`.
  public static func word(_ descriptor: Int32, at offset: Int) -> UInt64 {
    var value: UInt64 = 0
    precondition(pread(descriptor, &value, 8, off_t(offset)) == 8)
    return value
  }

  public static func set(_ descriptor: Int32, at offset: Int, to value: UInt64) {
    var value = value
    precondition(pwrite(descriptor, &value, 8, off_t(offset)) == 8)
  }

  /// Each 64-bit word of the one or of the other: what a process leaves that was killed while it made `after`
  /// of `before`, in whatever order.
  public static func mixed(
    _ before: [UInt8], _ after: [UInt8], using generator: inout SeededGenerator
  ) -> [UInt8] {
    var bytes = before
    for start in stride(from: 0, to: bytes.count, by: 8)
    where Bool.random(using: &generator) {
      bytes[start..<start + 8] = after[start..<start + 8]
    }
    return bytes
  }
}
