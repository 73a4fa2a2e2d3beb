public import Wire

/// The collector's process on an interface: packets in, batches of records out, until it is told to end.
///
/// What it counts is on the board as well as in the batches, so that another process can go on where one was
/// killed (`Takeover`).
public enum LiveCollectorService {
  public enum End: Sendable {
    /// The stream is complete: the time was over, there were packets enough, or SIGTERM or SIGINT came.
    case complete
    /// The interface was removed. The stream stays open: the next process waits until the interface is back,
    /// which needs the rights that this one has given up.
    case interfaceRemoved
  }

  /// Captures from `live.interface` and writes one stream to `output`. Never waits for the ring: what finds no
  /// room is dropped and counted.
  ///
  /// An interface that is down is waited for, before the capture and in it. One that is missing is an error, but
  /// not for a process that goes on for another.
  ///
  /// - Parameters:
  ///   - addresses: the book that all collectors use.
  ///   - process: the collector's line on `status`, which also says what came before.
  ///   - whenOpen: called when nothing needs a privilege any more, before the first packet is looked at.
  /// - Throws: `CollectorError`; what `whenOpen` throws.
  public static func run(
    _ configuration: CollectorConfiguration, _ live: LiveConfiguration, output: consuming Ring,
    addresses: SharedAddresses, status: borrowing StatusBoard, process: Int,
    whenOpen: () throws -> Void
  ) throws -> End {
    let signals = StopSignals()
    var capture = LiveCapture(
      live: live, signals: signals,
      sink: try LiveSink(
        configuration, output: output, addresses: addresses, status: status, process: process))
    guard let handle = try capture.open() else { return .complete }
    try whenOpen()
    return try capture.run(handle)
  }
}
