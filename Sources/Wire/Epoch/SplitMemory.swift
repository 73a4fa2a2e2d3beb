internal import Synchronization

/// What a splitter must not lose when it is killed: how the ranges were cut, and a step that was begun.
///
/// It reads several rings and writes several, so that no single store says how far it came. It therefore fills
/// slots without publishing them, writes down here up to where it is going to publish and release, says so with
/// one store, and does it. A splitter that takes the place of a dead one does it once more where that store was
/// made, and else reads its input again from where it was last released.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 8 | magic |
/// | 8 | 8 | keys in the sample, 0 before it is complete |
/// | 64 | 8 | 1 while a step is being taken |
/// | 128 | 8 | records dropped so far, after the step |
/// | 256 | 8 × 64 | by input: released up to, after the step |
/// | 1024 | 8 × 64 | by output: published up to, after the step |
/// | 1536 | 2,240 | of a cluster's publisher: `SplitMemory+Publishing` |
/// | 4096 | 8 × 16,384 | the sample |
public final class SplitMemory: Sendable {
  private let memory: SharedMemory
  private static let magic: UInt64 = 0x0001_544C_5053_4B52
  private static let sampleOffset = 4096
  /// Rings on each side, at most.
  public static let ringsMax = 64
  /// Keys of a sample, at most.
  public static let sampleMax = 16_384

  public init() throws(SharedMemoryError) {
    memory = try SharedMemory(
      name: "renkei-split", byteCount: SplitMemory.sampleOffset + 8 * SplitMemory.sampleMax)
    memory.bytes.storeBytes(of: SplitMemory.magic, as: UInt64.self)
  }

  /// - Throws: `RingError.otherLayout` where it is none of this version; `SharedMemoryError`.
  public init(inherited descriptor: Int32) throws {
    memory = try SharedMemory(inherited: descriptor)
    guard memory.bytes.count == SplitMemory.sampleOffset + 8 * SplitMemory.sampleMax,
      memory.bytes.load(as: UInt64.self) == SplitMemory.magic
    else { throw RingError.otherLayout }
  }

  /// The memory file, for handing to a child.
  public var descriptor: Int32 { memory.descriptor }

  func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    precondition(offset + 8 <= memory.bytes.count)
    // SAFETY: within the mapping, which is never empty.
    return (memory.bytes.baseAddress! + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  /// The keys that the ranges are cut from; nil before they were chosen. Set once.
  public var sample: [UInt64]? {
    get {
      let count = Int(clamping: word(8).pointee.load(ordering: .acquiring))
      guard count > 0 else { return nil }
      return (0..<min(count, SplitMemory.sampleMax)).map {
        word(SplitMemory.sampleOffset + 8 * $0).pointee.load(ordering: .relaxed)
      }
    }
    set {
      guard let keys = newValue?.prefix(SplitMemory.sampleMax), !keys.isEmpty else { return }
      for (place, key) in keys.enumerated() {
        word(SplitMemory.sampleOffset + 8 * place).pointee.store(key, ordering: .relaxed)
      }
      word(8).pointee.store(UInt64(keys.count), ordering: .releasing)
    }
  }

  /// Up to where a step publishes and releases.
  public struct Step {
    public var inputs: [UInt64]
    public var outputs: [UInt64]
    public var dropped: UInt64

    public init(inputs: [UInt64], outputs: [UInt64], dropped: UInt64) {
      self.inputs = inputs
      self.outputs = outputs
      self.dropped = dropped
    }
  }

  /// Writes a step down; from now on it will be taken, whatever happens.
  public func begin(_ step: Step) {
    precondition(
      step.inputs.count <= SplitMemory.ringsMax && step.outputs.count <= SplitMemory.ringsMax)
    for (place, position) in step.inputs.enumerated() {
      word(256 + 8 * place).pointee.store(position, ordering: .relaxed)
    }
    for (place, position) in step.outputs.enumerated() {
      word(1024 + 8 * place).pointee.store(position, ordering: .relaxed)
    }
    word(128).pointee.store(step.dropped, ordering: .relaxed)
    word(64).pointee.store(1, ordering: .sequentiallyConsistent)
  }

  /// The step has been taken.
  public func end() { word(64).pointee.store(0, ordering: .sequentiallyConsistent) }

  /// The step that a dead splitter had begun; nil where it had not.
  public func begun(inputs: Int, outputs: Int) -> Step? {
    guard word(64).pointee.load(ordering: .sequentiallyConsistent) == 1 else { return nil }
    return Step(
      inputs: (0..<inputs).map { word(256 + 8 * $0).pointee.load(ordering: .relaxed) },
      outputs: (0..<outputs).map { word(1024 + 8 * $0).pointee.load(ordering: .relaxed) },
      dropped: dropped)
  }

  /// Records dropped, by the last step that was written down.
  public var dropped: UInt64 { word(128).pointee.load(ordering: .relaxed) }
}
