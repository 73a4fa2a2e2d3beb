internal import Wire

/// What a collector finds of the one before it, and goes on from.
///
/// A collector that is killed leaves its counters in three places. In the order in which it writes them:
///
/// 1. `items` on the board: each packet, before anything else is done with it; and from time to time how many
///    lie in the kernel's buffer behind these.
/// 2. The header of the last batch that the ring took: exact for what the next stage has.
/// 3. The outcomes on the board, after each run of packets: newer where packets made no record.
///
/// Each counter only grows, so of two values of one the larger is nearer to the truth, and never past it.
/// What was captured and is in none of the outcomes then is lost.
struct Takeover: Equatable {
  /// Packets that were captured.
  var items: UInt64
  /// What became of them, with those that were lost.
  var accounting: Accounting
  /// The number of the last batch.
  var sequence: UInt64

  /// - Parameters:
  ///   - board: the outcomes there.
  ///   - published: the header of the last batch, where there is one.
  init(items: UInt64, board: Accounting, published: BatchHeader?) {
    var accounting = board
    if let published {
      for outcome in PacketOutcome.allCases {
        accounting[outcome] = max(accounting[outcome], published.accounting[outcome])
      }
    }
    // What the kernel dropped never became an item.
    let accounted = accounting.captured - accounting[.droppedByKernel]
    accounting[.lostInCrash] += items - min(items, accounted)
    self.items = max(items, accounted)
    self.accounting = accounting
    sequence = published?.sequence ?? 0
  }
}
