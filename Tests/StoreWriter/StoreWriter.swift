internal import ServiceMap
internal import TestSupport

/// `StoreWriter PATH EPOCHS`: goes on with the synthetic unit's store until EPOCHS are committed, with
/// maintenance in between as fast as it can, so that a kill falls into all of it.
@main struct StoreWriter {
  static func main() throws {
    let store = try UnitStore(path: CommandLine.arguments[1])
    var unit = SyntheticUnit(linksPerMinute: 20, changesPerEpoch: 10)
    try unit.resume(from: store)
    let retention = Retention(minutesSeconds: 600, hoursSeconds: 7200, daysSeconds: 80 * 86_400)
    while unit.epoch < Int(CommandLine.arguments[2]) ?? 0 {
      try unit.commit(to: store)
      _ = try store.maintain(
        retention, nowSeconds: SyntheticUnit.seconds(of: unit.epoch), budgetSeconds: 0.001)
    }
    store.close()
  }
}
