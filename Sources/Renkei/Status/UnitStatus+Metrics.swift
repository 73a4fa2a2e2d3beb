extension UnitStatus {
  /// The status as metrics; docs/metrics.md lists them. No label holds an address: their number is bounded
  /// by the configuration.
  ///
  /// - Parameter version: of the program.
  func metrics(version: String) -> String {
    var metrics = PrometheusText()
    metrics.add(
      "renkei_build_info", .gauge, "The version of renkei; always 1.", [(["version": version], 1)])
    addUnit(to: &metrics)
    addProcesses(to: &metrics)
    addInterfaces(to: &metrics)
    addPackets(to: &metrics)
    addMap(to: &metrics)
    return metrics.text
  }

  private func addUnit(to metrics: inout PrometheusText) {
    metrics.add(
      "renkei_state", .gauge, "1 for the state that the unit is in.",
      State.allCases.map { (["state": $0.rawValue], $0 == state ? 1 : 0) })
    metrics.add(
      "renkei_start_time_seconds", .gauge, "When the unit started, since 1970.", startedAtSeconds)
    metrics.add(
      "renkei_status_timestamp_seconds", .gauge,
      "When these figures were taken, since 1970; the unit hangs or is dead where that is long ago.",
      writtenAtSeconds)
    metrics.add("renkei_warnings", .gauge, "Warnings in the status.", UInt64(warnings.count))
    metrics.add(
      "renkei_clock_steps_total", .counter, "Times the clock was set by a step.",
      UInt64(clamping: clock.steps))
    metrics.add(
      "renkei_clock_last_step_seconds", .gauge, "The last such step; positive is forwards.",
      clock.lastStepSeconds)
  }

  private func addProcesses(to metrics: inout PrometheusText) {
    func add(
      _ name: String, _ kind: PrometheusText.Kind, _ help: String,
      _ value: (Process) -> Double?
    ) {
      metrics.add(
        "renkei_\(name)", kind, help,
        processes.compactMap { process in value(process).map { (["role": process.role], $0) } })
    }
    add("process_running", .gauge, "1 while the process runs.") { $0.state == .running ? 1 : 0 }
    add("process_failed", .gauge, "1 once the process is given up.") { $0.state == .failed ? 1 : 0 }
    add("process_restarts_total", .counter, "Restarts of the process.") { Double($0.restarts) }
    add(
      "process_items_total", .counter,
      "What the process has handled: packets, records or session rows."
    ) { Double($0.items) }
    add("process_lag_seconds", .gauge, "By how much it is behind the newest packet captured.") {
      $0.lagSeconds
    }
    add("process_resident_memory_bytes", .gauge, "Resident memory of the process.") {
      Double($0.memoryBytes)
    }
    add("process_cpu_seconds_total", .counter, "User and system time of the process.") {
      $0.cpuSeconds
    }
    add("ring_fill_ratio", .gauge, "How full the ring is that the process reads from, 0 to 1.") {
      $0.inputRingFill
    }
  }

  private func addInterfaces(to metrics: inout PrometheusText) {
    metrics.add(
      "renkei_interface_up", .gauge, "1 while the interface is up.",
      interfaces.map { (["interface": $0.name], $0.state == .up ? 1 : 0) })
    metrics.add(
      "renkei_interface_downs_total", .counter, "Times the interface went down.",
      interfaces.map { (["interface": $0.name], Double($0.downs)) })
    metrics.add(
      "renkei_captured_packets_total", .counter,
      "Packets that reached the capture point, dropped ones with them.",
      interfaces.map { (["interface": $0.name], Double($0.captured)) })
    metrics.add(
      "renkei_captured_bytes_total", .counter,
      "Bytes on the wire of the packets that were captured and not dropped.",
      interfaces.map { (["interface": $0.name], Double($0.capturedBytes)) })
    metrics.add(
      "renkei_dropped_packets_total", .counter,
      "Packets dropped because a buffer had no room, by place and reason.",
      interfaces.flatMap { interface -> [PrometheusText.Sample] in
        let name = interface.name
        return [
          (
            ["interface": name, "place": "kernel", "reason": "captureBufferFull"],
            Double(interface.droppedByKernel)
          ),
          (
            ["interface": name, "place": "collector", "reason": "ringFull"],
            Double(interface.droppedByRing)
          ),
        ]
      })
  }

  private func addPackets(to metrics: inout PrometheusText) {
    metrics.add(
      "renkei_accounted_packets_total", .counter,
      "All packets: mapped, in the pipeline, and unmapped by reason.", accounting.captured)
    metrics.add(
      "renkei_mapped_packets_total", .counter, "Packets in the committed map.", accounting.mapped)
    metrics.add(
      "renkei_pipeline_packets", .gauge, "Packets on the way to the map.", accounting.inPipeline)
    metrics.add(
      "renkei_unmapped_packets_total", .counter,
      "Packets that are not in the map, by reason; dropped ones with them.",
      accounting.reasons.sorted { $0.key < $1.key }.map { (["reason": $0.key], Double($0.value)) })
  }

  private func addMap(to metrics: inout PrometheusText) {
    metrics.add("renkei_sessions_open", .gauge, "Sessions that are tracked.", sessions.open)
    metrics.add(
      "renkei_sessions_max", .gauge, "As many sessions are tracked at most.", sessions.max)
    metrics.add(
      "renkei_sessions_exported_early_total", .counter,
      "Sessions exported before their end because there were too many.", sessions.exportedEarly)
    metrics.add("renkei_links", .gauge, "Links that the merger holds.", links)
    metrics.add("renkei_store_bytes", .gauge, "Size of the store.", store.bytes)
    metrics.add("renkei_store_commits_total", .counter, "Epochs committed.", store.commits)
    metrics.add(
      "renkei_store_problem", .gauge, "1 while the map can't be committed.",
      store.problem == nil ? 0 : UInt64(1))
    metrics.add(
      "renkei_last_commit_timestamp_seconds", .gauge,
      "When the map was last committed, since 1970.",
      store.lastCommitAtSeconds)
  }
}
