/// The weights of the features: natural-log odds for each unit, in the order of
/// `RoleFeatures.Feature`. None is negative: more of a feature never speaks against it.
///
/// Fitted by `Benchmarks/fit-roles.py` on 190,338 links without a handshake: generated captures (enterprise
/// and high ports; mid-stream, one-way, sampled and whole) and 110 real ones, as they are and cut to
/// mid-stream. Logistic regression without intercept, ridge 10, within the bounds that stand there.
struct RoleWeights {
  /// By `RoleFeatures.Feature.rawValue`.
  let values: InlineArray<11, Double>

  // peers, peerPorts, firstSpeaker, firstOfWhole, asked, portKnown, portRange, portCommon,
  // notEphemeral, host, silence
  static let tcp = RoleWeights(
    values: [1.01, 2.23, 0.20, 0.08, 0.00, 1.12, 0.30, 1.61, 0.50, 0.35, 1.00])
  static let udp = RoleWeights(
    values: [0.00, 0.75, 0.40, 2.40, 0.60, 1.66, 0.60, 0.95, 0.48, 0.35, 0.40])
}
