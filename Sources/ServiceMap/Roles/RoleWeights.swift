/// The weights of the features: natural-log odds for each unit, in the order of
/// `RoleFeatures.Feature`. None is negative: more of a feature never speaks against it.
///
/// Fitted by `Benchmarks/fit-roles.py` (logistic regression, ridge 10, no intercept).
struct RoleWeights {
  let values: [Double]

  // peers, peerPorts, firstSpeaker, firstOfWhole, asked, portNumber, portCommon, notEphemeral, host,
  // silence
  static let tcp = RoleWeights(values: [0.90, 1.27, 0.17, 0, 0.21, 0.62, 1.29, 0.42, 0.32, 1.96])
  static let udp = RoleWeights(values: [0, 0.71, 1.01, 0.77, 0.87, 1.06, 1.44, 0.52, 0.25, 1.43])
  static let partialTCP = RoleWeights(
    values: [0.69, 1.13, 0.30, 0.05, 0.63, 0.59, 0.66, 0.18, 0, 0])
  static let partialUDP = RoleWeights(
    values: [0.40, 0.44, 0.10, 0, 0.36, 0.34, 0.59, 0.24, 0.74, 0])
}
