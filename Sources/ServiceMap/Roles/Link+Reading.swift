internal import Wire

extension Link {
  /// As if the capture had begun a moment later in each of its sessions: without SYN and SYN+ACK, and
  /// without a word on who spoke first.
  @inline(__always) var withoutHandshake: Link {
    guard hasHandshake, ProtocolName.hasPorts(protocolNumber) else { return self }
    var hidden = self
    hidden.hasHandshake = false
    hidden.events.subtract([.synFromA, .synFromB, .synAckFromA, .synAckFromB])
    // Twice as many, of which either side began one half.
    hidden.sessions = 2 * max(1, completed)
    hidden.firstFromB = hidden.sessions / 2
    hidden.twoWay = hidden.isTwoWay ? hidden.sessions : 0
    return hidden
  }

  /// Whether it goes to a group: by its address; or a network's broadcast address, known by ending in
  /// .255 and silence.
  @inline(__always) func isToGroup(_ addresses: [IPAddress]) -> Bool {
    isToGroup(at: addresses[asked])
  }

  /// The host that was spoken to first.
  @inline(__always) fileprivate var asked: Int { isAskedByB ? a : b }

  /// - Parameter target: the address of the host that was spoken to first.
  @inline(__always) fileprivate func isToGroup(at target: IPAddress) -> Bool {
    if hasHandshake { return false }
    if target.isMulticastOrBroadcast { return true }
    let isSilent = isAskedByB ? packetsAB == 0 : packetsBA == 0
    return target.isIPv4 && target.v4 & 0xFF == 0xFF && isSilent
      && ProtocolName.hasPorts(protocolNumber)
  }

  /// Whether the link shows that two sides wished to talk: what nobody answers is no evidence, or
  /// scans and floods would make servers.
  ///
  /// - Parameter isPartial: silence is no sign that nobody answered.
  @inline(__always) func isEvidence(isPartial: Bool) -> Bool {
    guard ProtocolName.hasPorts(protocolNumber), !events.contains(.portsUnknown)
    else { return false }
    if hasHandshake { return completed > 0 || isPartial && unheard > 0 }
    return isTwoWay || isPartial && !events.isDisjoint(with: [.progressFromA, .progressFromB])
  }
}

extension Link {
  /// The side that alone sent something; nil where both did.
  var vainAsker: LinkSide? { packetsAB == 0 ? .b : packetsBA == 0 ? .a : nil }
}

/// What follows from a link alone, in a byte: a link can be read with its handshake, or as if that had
/// not been captured.
struct LinkReading: OptionSet, Sendable {
  let rawValue: UInt8

  static var handshake: LinkReading { LinkReading(rawValue: 1) }
  static var askedByB: LinkReading { LinkReading(rawValue: 2) }
  static var toGroup: LinkReading { LinkReading(rawValue: 4) }
  /// It is evidence in a capture that is whole, and in one that is partial.
  static var evidence: LinkReading { LinkReading(rawValue: 8) }
  static var evidenceInPart: LinkReading { LinkReading(rawValue: 16) }

  init(rawValue: UInt8) { self.rawValue = rawValue }

  @inline(__always) init(_ link: Link, _ addresses: UnsafeBufferPointer<IPAddress>) {
    var all: LinkReading = []
    if link.hasHandshake { all.insert(.handshake) }
    if link.isAskedByB { all.insert(.askedByB) }
    if link.isToGroup(at: addresses[link.asked]) { all.insert(.toGroup) }
    if link.isEvidence(isPartial: false) { all.insert(.evidence) }
    if link.isEvidence(isPartial: true) { all.insert(.evidenceInPart) }
    self = all
  }
}
