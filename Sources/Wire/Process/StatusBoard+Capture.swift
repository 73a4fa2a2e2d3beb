/// What the lines of a board say of a capture as a whole. The collectors' lines come first, then that of the splitter.
extension StatusBoard {
  /// What became of the packets of all collectors; what the splitter dropped of them is no longer mapped.
  ///
  /// - Complexity: O(collectors).
  public func collected(collectors: Int) -> Accounting {
    var sum = Accounting()
    for line in 0..<collectors {
      let one = accounting(of: line)
      for outcome in PacketOutcome.allCases { sum[outcome] += one[outcome] }
    }
    let split = accounting(of: collectors)
    for outcome in PacketOutcome.allCases where outcome != .mapped {
      sum[outcome] += split[outcome]
      sum[.mapped] -= min(sum[.mapped], split[outcome])
    }
    return sum
  }

  /// The report on a live capture so far, with its accounting.
  ///
  /// - Parameter interfaces: by collector.
  public func captureReport(interfaces: [String], filter: String) -> CaptureReport {
    var report = CaptureReport(filter: filter)
    for (line, name) in interfaces.enumerated() {
      let packets = accounting(of: line).captured
      let gaps = get(.gaps, of: line)
      var warning: String?
      if gaps > 0 {
        let seconds = Double(Tick.nanoseconds(get(.gapTicks, of: line))) / 1e9
        let tenths = Int((seconds * 10).rounded(.up))
        warning =
          "\(gaps) gap\(gaps == 1 ? "" : "s") in the capture, \(tenths / 10).\(tenths % 10) s in all"
      }
      if let place = report.files.firstIndex(where: { $0.name == name }) {
        report.files[place].packets += packets
        report.files[place].warning = report.files[place].warning ?? warning
      } else {
        report.files.append(CaptureReport.File(name: name, packets: packets, warning: warning))
      }
      report.frameBytes += get(.frameBytes, of: line)
      report.lengthSaturated += get(.lengthSaturated, of: line)
      let (start, end) = (get(.startTick, of: line), get(.endTick, of: line))
      if start > 0 {
        report.startNs = min(report.startNs ?? .max, Tick.nanoseconds(start))
        report.endNs = max(report.endNs ?? 0, Tick.nanoseconds(end))
      }
    }
    let sum = collected(collectors: interfaces.count)
    for outcome in PacketOutcome.allCases { report.accounting[outcome.name] = sum[outcome] }
    return report
  }
}
