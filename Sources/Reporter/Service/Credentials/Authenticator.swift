internal import Crypto
internal import Dispatch
internal import Foundation
internal import Synchronization
internal import Wire

/// Finds out who sends a request, by its header field Authorization: Basic (RFC 7617) with the name and
/// password of a user, or Bearer (RFC 6750) with a token.
///
/// Hashing a password is slow on purpose, so one is hashed at a time and at most eight wait; who has been
/// verified is remembered for five minutes, by an HMAC under a key of this process alone. An address that
/// fails ten times in a minute is not listened to until the minute is over, not even with what is right:
/// otherwise it could go on guessing against what is remembered. The file is read again when it changes.
final class Authenticator: Sendable {
  enum Outcome: Equatable, Sendable {
    case user(String)
    /// Nothing was said: ask.
    case anonymous
    /// Wrong name, password or token, or not to be understood.
    case refused
    /// Too many were wrong: wait so many seconds.
    case lockedOut(seconds: Int)
    /// Too many are being verified.
    case busy
  }

  static let rememberedSeconds = 300.0
  static let waitingMax = 8
  private static let rememberedMax = 1024

  private struct State {
    var file: UsersFile
    var mark: FileFacts?
    /// Counts readings of the file: what was verified before one is worth nothing after it.
    var generation = 0
    var remembered: [Digest: (name: String, until: Double)] = [:]
    var waiting: [Digest: [CheckedContinuation<Outcome, Never>]] = [:]
    var failures = FailureTable()
  }
  private typealias Digest = [UInt8]

  private let path: String
  private let state: Mutex<State>
  private let key = SymmetricKey(size: .bits256)
  private let hashing = DispatchQueue(label: "renkei.password")
  /// What is hashed for a name that is not there.
  private let decoy: String
  private let now: @Sendable () -> Double
  private let note: @Sendable (String) -> Void

  /// - Parameters:
  ///   - now: seconds of a clock that goes forwards.
  ///   - note: takes what the operator should know of a file that changed.
  /// - Throws: `ServiceError.users` where the file can't be read or a line in it is wrong.
  init(
    path: String, now: @escaping @Sendable () -> Double = { Clock.seconds() },
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(ServiceError) {
    self.path = path
    self.now = now
    self.note = note
    let mark = FileFacts(path: path)
    let file = try UsersFile(path: path)
    if let problem = file.problems.first { throw .users(path: path, reason: problem) }
    let hashes = file.entries.compactMap { file.hash(of: $0.name) }
    decoy = hashes.first ?? PasswordHash.setting() ?? ""
    state = Mutex(State(file: file, mark: mark))
  }

  /// Whether there is anybody who may come in.
  var hasUsers: Bool { state.withLock { !$0.file.entries.isEmpty } }

  /// - Parameters:
  ///   - authorization: the header field; nil where there is none.
  ///   - address: who sent it.
  func identify(_ authorization: String?, from address: IPAddress) async -> Outcome {
    if let seconds = state.withLock({ $0.failures.wait(address, now: now()) }) {
      return .lockedOut(seconds: seconds)
    }
    guard let authorization else { return .anonymous }
    let words = authorization.split(separator: " ", maxSplits: 1).map(String.init)
    readAgainIfChanged()
    var outcome = Outcome.refused
    switch (words.first?.lowercased(), words.count) {
    case ("bearer", 2): outcome = identify(token: words[1])
    case ("basic", 2): outcome = await identify(basic: words[1])
    default: break
    }
    if outcome == .refused { state.withLock { $0.failures.fail(address, now: now()) } }
    return outcome
  }

  private func identify(token: String) -> Outcome {
    let digest = UsersFile.digest(ofToken: token)
    let entries = state.withLock { $0.file.entries }
    var found: String?
    // All of them, so that the time does not tell which was near.
    for entry in entries {
      if case .token(let own) = entry.secret, PasswordHash.isEqual(own, digest) {
        found = entry.name
      }
    }
    return found.map { .user($0) } ?? .refused
  }

  private func identify(basic: String) async -> Outcome {
    guard let data = Data(base64Encoded: basic),
      let text = String(validating: data, as: UTF8.self),
      let colon = text.firstIndex(of: ":")
    else { return .refused }
    let name = String(text[..<colon])
    let password = String(text[text.index(after: colon)...])
    let digest = Digest(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key))

    return await withCheckedContinuation { continuation in
      let step = state.withLock { state -> Step in
        if let known = state.remembered[digest], known.until > now() {
          return .done(.user(known.name))
        }
        if state.waiting[digest] != nil {
          state.waiting[digest]?.append(continuation)
          return .wait
        }
        // One is being hashed while the others wait.
        guard state.waiting.count <= Authenticator.waitingMax else { return .done(.busy) }
        state.waiting[digest] = [continuation]
        return .hash(state.file.hash(of: name), generation: state.generation)
      }
      switch step {
      case .done(let outcome): continuation.resume(returning: outcome)
      case .wait: break
      case .hash(let stored, let generation):
        hashing.async { [self] in
          // An unknown name takes as long as a known one.
          let isRight = PasswordHash.verify(password, stored ?? decoy) && stored != nil
          finish(digest, isRight ? .user(name) : .refused, generation: generation)
        }
      }
    }
  }

  private enum Step {
    case done(Outcome)
    case wait
    case hash(String?, generation: Int)
  }

  /// Tells all who asked the same.
  private func finish(_ digest: Digest, _ outcome: Outcome, generation: Int) {
    let waiting = state.withLock { state in
      if case .user(let name) = outcome, state.generation == generation {
        if state.remembered.count >= Authenticator.rememberedMax {
          let now = now()
          state.remembered = state.remembered.filter { $0.value.until > now }
          if state.remembered.count >= Authenticator.rememberedMax { state.remembered = [:] }
        }
        state.remembered[digest] = (name, now() + Authenticator.rememberedSeconds)
      }
      return state.waiting.removeValue(forKey: digest) ?? []
    }
    for continuation in waiting { continuation.resume(returning: outcome) }
  }

  /// A file that can't be read any more lets nobody in; lines that are wrong in it let nobody in, the others
  /// count.
  private func readAgainIfChanged() {
    let mark = FileFacts(path: path)
    guard state.withLock({ $0.mark != mark }) else { return }
    var file = UsersFile(text: "")
    do throws(ServiceError) {
      file = try UsersFile(path: path)
      for problem in file.problems { note("\(path): \(problem)") }
    } catch {
      note("\(error); nobody is let in")
    }
    state.withLock { state in
      state.mark = mark
      state.file = file
      state.generation += 1
      state.remembered = [:]
    }
  }
}

extension UsersFile {
  /// The password's hash of a user; nil for a token and for who is not there.
  fileprivate func hash(of name: String) -> String? {
    for entry in entries where entry.name == name {
      if case .password(let hash) = entry.secret { return hash }
    }
    return nil
  }
}
