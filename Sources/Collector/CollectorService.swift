public import Wire

/// The collector's process: capture files in, batches of records out.
public enum CollectorService {
  private static let overlap =
    "overlaps in time with the files before it, which were read first; where both saw the same "
    + "sessions, merge them by time before (mergecap -w)"

  /// Reads all files of `configuration` in their order and writes one stream to `output`: batches of
  /// records, then one report, then the ring is closed. Waits while the ring is full; drops nothing.
  ///
  /// - Parameters:
  ///   - addresses: the book of a unit, where this is part of one: batches then carry no addresses and keep to
  ///     periods, and `status` gets the accounting as well.
  ///   - status: gets the bytes of input taken and the packets read, about every batch.
  ///   - process: the collector's line on it.
  /// - Throws: `CollectorError` about a file or the filter, and where the report can't be
  ///   encoded. The ring then stays open, so that nobody takes the stream for complete; the
  ///   supervisor ends the run.
  public static func run(
    _ configuration: CollectorConfiguration, output: consuming RingWriter,
    addresses: SharedAddresses? = nil, status: borrowing StatusBoard, process: Int
  ) throws {
    var recorder = try PacketRecorder(
      decoder: FrameDecoder(
        decapsulate: configuration.decapsulate, tunnelDepthMax: configuration.tunnelDepthMax),
      filter: configuration.filter, deduplicates: configuration.deduplicate,
      writer: RecordWriter(
        ring: output, streamID: configuration.streamID, capturePoint: configuration.capturePoint,
        addressCapacity: addresses == nil ? configuration.addressCapacity : 1, shared: addresses,
        keepsPeriods: addresses != nil))
    // As of an interface that is up.
    if addresses != nil { status.set(.interfaceState, of: process, to: 1) }
    var report = CaptureReport(filter: configuration.filter)
    let sizes = configuration.files.map(CaptureFiles.size)
    let isEndKnown = !sizes.contains(0)
    status.set(.inputBytesTotal, of: process, to: isEndKnown ? sizes.reduce(0, +) : 0)
    var bytesBefore: UInt64 = 0

    for (path, size) in zip(configuration.files, sizes) {
      let reader = try CaptureReader(path: path)
      recorder.beginFile()
      var bytesTaken: UInt64 = 0
      let damage = try reader.read(into: &recorder) { taken, recorder in
        bytesTaken = taken
        status.set(.inputBytes, of: process, to: bytesBefore + taken)
        status.set(.items, of: process, to: recorder.packets)
        if addresses != nil { tell(recorder, status, process) }
      }
      status.set(.items, of: process, to: recorder.packets)
      if addresses != nil { tell(recorder, status, process) }
      if let damage, recorder.filePackets == 0 {
        throw CollectorError.damaged(file: path, damage: damage)
      }
      let warnings = [damage?.description, recorder.overlapsFilesBefore ? overlap : nil]
        .compactMap { $0 }
      report.files.append(
        CaptureReport.File(
          name: path, packets: recorder.filePackets,
          warning: warnings.isEmpty ? nil : warnings.joined(separator: "; ")))
      bytesBefore += max(size, bytesTaken)
      status.set(.inputBytes, of: process, to: bytesBefore)
    }

    recorder.publish()
    report.startNs = recorder.timesNs?.start
    report.endNs = recorder.timesNs?.end
    report.frameBytes = recorder.frameBytes
    report.lengthSaturated = recorder.writer.lengthSaturated
    for outcome in PacketOutcome.allCases {
      report.accounting[outcome.name] = recorder.writer.accounting[outcome]
    }
    let text = try ReportText.encode(report, bytesMax: recorder.writer.reportBytesMax)
    if addresses != nil { tell(recorder, status, process) }
    recorder.end(report: text)
  }

  /// What a unit's board has of a live collector.
  private static func tell(
    _ recorder: borrowing PacketRecorder, _ status: borrowing StatusBoard, _ process: Int
  ) {
    status.set(recorder.writer.published, of: process)
    status.set(.frameBytes, of: process, to: recorder.frameBytes)
    status.set(.lengthSaturated, of: process, to: recorder.writer.lengthSaturated)
    guard let times = recorder.timesNs else { return }
    status.set(.startTick, of: process, to: Tick.of(nanoseconds: times.start))
    status.set(.endTick, of: process, to: Tick.of(nanoseconds: times.end))
    status.set(.newestTick, of: process, to: Tick.of(nanoseconds: times.end))
  }
}
