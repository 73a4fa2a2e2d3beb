/// The weights of the features: natural-log odds for each unit, in the order of
/// `RoleFeatures.Feature`. None is negative: more of a feature never speaks against it.
///
/// Fitted by `Benchmarks/fit-roles.py` on 167,819 links without a handshake: generated captures (enterprise
/// and high ports; mid-stream, one-way, sampled and whole) and 110 real ones, as they are and cut to
/// mid-stream. Logistic regression without intercept, ridge 10, within the bounds that stand there.
struct RoleWeights {
  let values: [Double]

  // peers, peerPorts, firstSpeaker, firstOfWhole, asked, portKnown, portRange, portCommon,
  // notEphemeral, host, silence
  static let tcp = RoleWeights(
    values: [1.26, 1.82, 0.20, 0.04, 0, 1.07, 0.30, 1.62, 0.42, 0.35, 1.00])
  static let udp = RoleWeights(
    values: [0, 0.69, 0.40, 2.38, 0.60, 1.57, 0.45, 1.19, 0.40, 0.35, 0.40])
}
