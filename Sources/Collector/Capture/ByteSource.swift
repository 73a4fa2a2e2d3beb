internal import Glibc

/// Bytes that come in order and only once.
protocol ByteSource: AnyObject {
  /// Fills the front of `space`, at least one byte; 0 at the end.
  ///
  /// - Throws: `CaptureDamage` where nothing further can be had; what came before is good.
  func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureDamage) -> Int

  /// Bytes taken from the file so far, for the progress bar.
  var bytesTaken: UInt64 { get }
}

/// What a descriptor delivers, through a buffer that lets the first bytes be looked at.
final class DescriptorSource: ByteSource {
  private let descriptor: Int32
  private let closesDescriptor: Bool
  private let buffer: UnsafeMutableRawBufferPointer
  private var begin = 0
  private var end = 0
  private var isAtEnd = false
  private var bytesRead: UInt64 = 0

  init(descriptor: Int32, closesDescriptor: Bool, bufferBytes: Int = 256 << 10) {
    self.descriptor = descriptor
    self.closesDescriptor = closesDescriptor
    buffer = .allocate(byteCount: bufferBytes, alignment: 16)
  }

  deinit {
    buffer.deallocate()
    if closesDescriptor { close(descriptor) }
  }

  var bytesTaken: UInt64 { bytesRead - UInt64(end - begin) }

  /// What has been read and not yet consumed.
  var available: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: buffer[begin..<end])
  }

  func consume(_ count: Int) {
    precondition(count <= end - begin, "more consumed than there was")
    begin += count
  }

  /// Reads until at least `count` bytes are available or the input ends.
  func fill(to count: Int) throws(CaptureDamage) {
    precondition(count <= buffer.count, "more asked for than the buffer holds")
    if begin > 0 && end - begin < count {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[begin..<end]))
      (begin, end) = (0, end - begin)
    }
    while end - begin < count && !isAtEnd {
      let space = UnsafeMutableRawBufferPointer(rebasing: buffer[end...])
      let got = try readDescriptor(into: space)
      if got == 0 { isAtEnd = true }
      end += got
    }
  }

  func read(into space: UnsafeMutableRawBufferPointer) throws(CaptureDamage) -> Int {
    if begin == end {
      return isAtEnd ? 0 : try readDescriptor(into: space)
    }
    let count = min(space.count, end - begin)
    space.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[begin..<begin + count]))
    begin += count
    return count
  }

  private func readDescriptor(
    into space: UnsafeMutableRawBufferPointer
  ) throws(CaptureDamage) -> Int {
    while true {
      let got = Glibc.read(descriptor, space.baseAddress, space.count)
      if got >= 0 {
        bytesRead += UInt64(got)
        return got
      }
      if errno != EINTR {
        throw CaptureDamage(offset: bytesRead, reason: String(cString: strerror(errno)))
      }
    }
  }
}
