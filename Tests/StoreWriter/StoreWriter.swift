internal import Glibc
internal import ServiceMap
internal import TestSupport

/// `StoreWriter PATH EPOCHS`: goes on with the synthetic unit's store until EPOCHS are committed, with
/// maintenance in between as fast as it can, so that a kill falls into all of it.
///
/// Exit status 3: there was no room for a commit.
///
/// `StoreWriter PATH measure LINKS SEGMENTS`: what a new store costs (`Measurement`).
@main struct StoreWriter {
  static func main() throws {
    let arguments = CommandLine.arguments
    if arguments.count == 5, arguments[2] == "measure" {
      return try Measurement(
        path: arguments[1], links: Int(arguments[3]) ?? 0, segments: Int(arguments[4]) ?? 0
      ).run()
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
