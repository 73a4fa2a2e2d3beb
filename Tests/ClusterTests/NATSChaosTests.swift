import Cluster
import Foundation
import Synchronization
import TestSupport
import Testing

extension WithServers {
  /// Three servers of which one after the other is killed, while somebody writes, somebody reads and two fight for a
  /// subject. RENKEI_CHAOS_SECONDS makes it longer.
  @Suite(.enabled(if: NATSServer.isInstalled)) struct NATSChaosTests {
    private struct Found: Sendable {
      var stored = 0
      var read: [String] = []
      var owned: [String] = []
      var slowestSeconds = 0.0
      var errors: [String] = []
    }

    private static let seconds =
      ProcessInfo.processInfo.environment["RENKEI_CHAOS_SECONDS"].flatMap { Double($0) } ?? 12

    @Test("nothing is lost, doubled or out of order, and nobody is overtaken") func chaos() throws {
      let servers = try NATSServer.three()
      let urls = servers.map(\.url)
      @Sendable func link() -> NATSLink { NATSLink(NATSSettings(servers: urls, name: "chaos")) }
      var limits = ClusterLimits()
      limits.recordsBytesMax = 100 << 20
      limits.epochsBytesMax = 100 << 20
      let admin = link()
      try admin.connect(withinSeconds: 10)
      _ = try ClusterSetup(limits, on: admin).run(update: false)

      let found = Mutex(Found())
      let ending = Atomic(false)
      @Sendable func note(_ body: (inout Found) -> Void) { found.withLock { body(&$0) } }
      let group = DispatchGroup()
      // Not tasks: these wait, and the pool of threads is small.
      func run(_ body: @escaping @Sendable () -> Void) {
        group.enter()
        let thread = Thread {
          body()
          group.leave()
        }
        thread.start()
      }

      run {
        let log = link()
        var next = 0
        while !ending.load(ordering: .relaxed) {
          var rest = (0..<20).map { place in
            LogEntry(
              subject: "renkei.records.p.\((next + place) % 4)", id: "p.\(next + place)",
              payload: Array("\(next + place)".utf8))
          }
          while !rest.isEmpty {
            let began = Date()
            do {
              rest = (try log.store(rest) ?? []).map { rest[$0] }
              // What is not stored now is stored later; then the writer ends.
              if !rest.isEmpty { usleep(20_000) }
            } catch {
              note { $0.errors.append("store: \(error)") }
              return
            }
            note { $0.slowestSeconds = max($0.slowestSeconds, -began.timeIntervalSinceNow) }
          }
          next += 20
          note { $0.stored = next }
        }
      }
      run {
        let log = link()
        var reader: (any LogReader)?
        while true {
          do {
            if reader == nil {
              reader = try log.reader(of: "renkei.records.*.*", in: .records, from: 1)
            }
            let message = try reader?.poll()
            if let message {
              note { $0.read.append(String(decoding: message.payload, as: UTF8.self)) }
            } else if ending.load(ordering: .relaxed),
              found.withLock({ $0.read.count >= $0.stored }) || reader?.isAtEnd == true
            {
              let state = try log.state(of: .records)
              if found.withLock({ UInt64($0.read.count) }) >= state.messages { return }
            } else {
              usleep(500)
            }
          } catch ClusterError.unreachable {
            usleep(20_000)
          } catch {
            note { $0.errors.append("read: \(error)") }
            return
          }
        }
      }
      for name in ["one", "two"] {
        run {
          let log = link()
          var number = 0
          while !ending.load(ordering: .relaxed) {
            do {
              let last = try log.last(of: "renkei.epochs.7", in: .epochs)?.sequence ?? 0
              let entry = LogEntry(
                subject: "renkei.epochs.7", id: "\(name).\(number)",
                payload: Array("\(name).\(number) \(last)".utf8))
              number += 1
              // Until it is known.
              while true {
                do {
                  _ = try log.store(entry, after: last)
                  note { $0.owned.append(entry.id) }
                  break
                } catch ClusterError.unreachable {
                  usleep(20_000)
                }
              }
            } catch ClusterError.superseded {
              usleep(1000)
            } catch ClusterError.unreachable {
              usleep(20_000)
            } catch {
              note { $0.errors.append("swap: \(error)") }
              return
            }
          }
        }
      }

      let end = Date(timeIntervalSinceNow: NATSChaosTests.seconds)
      var victim = 0
      while Date() < end {
        usleep(1_500_000)
        servers[victim % 3].kill()
        usleep(1_000_000)
        try servers[victim % 3].start()
        // A majority must be there again before the next one dies.
        usleep(2_500_000)
        victim += 1
      }
      ending.store(true, ordering: .relaxed)
      #expect(group.wait(timeout: .now() + 60) == .success)

      let result = found.withLock { $0 }
      #expect(result.errors == [])
      #expect(result.stored > 0 && result.read.count == result.stored)
      #expect(Set(result.read).count == result.read.count)
      for shard in 0..<4 {
        let ofShard = result.read.compactMap { Int($0) }.filter { $0 % 4 == shard }
        #expect(ofShard == ofShard.sorted())
      }
      // Everything that was said to be stored is in the stream, once; and nothing else but what is not known.
      let swapped = try admin.reader(of: "renkei.epochs.7", in: .epochs, from: 1)
        .some(Int(try admin.state(of: .epochs).messages), limitSeconds: 120)
      #expect(Set(swapped).count == swapped.count)
      // With replicas two may be stored behind the same one; only the first of them is told that it was.
      let first = zip(1..., swapped).compactMap { sequence, text -> String? in
        let words = text.split(separator: " ")
        return words.count == 2 && words[1] == "\(sequence - 1)" ? String(words[0]) : nil
      }
      #expect(Set(result.owned).count == result.owned.count)
      #expect(Set(result.owned).subtracting(first) == [])
      // Who could not ask, because the leader had just died, is told that it was not.
      #expect(Set(first).subtracting(result.owned).count <= 2 + 2 * victim)
      #expect(result.slowestSeconds < 6)
      print(
        "chaos: \(victim) kills, \(result.stored) stored, \(swapped.count) swaps, slowest",
        "\(result.slowestSeconds) s")
    }
  }
}
