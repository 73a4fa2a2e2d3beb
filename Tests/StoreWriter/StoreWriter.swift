internal import Glibc
internal import ServiceMap
internal import TestSupport

/// `StoreWriter PATH EPOCHS`: goes on with the synthetic unit's store until EPOCHS are committed, with
/// maintenance in between as fast as it can, so that a kill falls into all of it.
///
/// Exit status 3: there was no room for a commit.
///
/// `StoreWriter PATH measure LINKS SEGMENTS`: what a new store costs (`Measurement`).
///
/// `StoreWriter PATH large SEED END`: the store of a large unit after a day that ends at END, in seconds
/// since 1970, and its names (`LargeStore`). `StoreWriter PATH live SEED SECONDS CHANGES`: the same store
/// is gone on with for SECONDS, each with so many changed links.
@main struct StoreWriter {
  static func main() throws {
    let arguments = CommandLine.arguments
    if arguments.count == 5, arguments[2] == "measure" {
      return try Measurement(
        path: arguments[1], links: Int(arguments[3]) ?? 0, segments: Int(arguments[4]) ?? 0
      ).run()
    }
    if arguments.count == 5, arguments[2] == "large" {
      return try LargeStore(path: arguments[1], seed: UInt64(arguments[3]) ?? 0)
        .writeDay(endingAt: UInt64(arguments[4]) ?? 0)
    }
    if arguments.count == 6, arguments[2] == "live" {
      return try LargeStore(path: arguments[1], seed: UInt64(arguments[3]) ?? 0)
        .goOn(seconds: Int(arguments[4]) ?? 0, changes: Int(arguments[5]) ?? 0)
    }
    let store = try UnitStore(path: arguments[1])
    var unit = SyntheticUnit(linksPerMinute: 20, changesPerEpoch: 10)
    try unit.resume(from: store)
    do {
      try write(&unit, to: store, epochs: Int(arguments[2]) ?? 0)
    } catch let error as StoreError where error.isFull {
      exit(3)
    }
    store.close()
  }

  private static func write(
    _ unit: inout SyntheticUnit, to store: UnitStore, epochs: Int
  ) throws {
    let retention = Retention(minutesSeconds: 600, hoursSeconds: 7200, daysSeconds: 80 * 86_400)
    while unit.epoch < epochs {
      try unit.commit(to: store)
      _ = try store.maintain(
        retention, nowSeconds: SyntheticUnit.seconds(of: unit.epoch), budgetSeconds: 0.001)
    }
  }
}
