/// The weights of the features, in natural-log odds for each unit, in the order of
/// `RoleFeatures.Feature`. To be fitted.
struct RoleWeights {
  var values: [Double]

  static let tcp = RoleWeights(values: [0.8, 0.8, 0.2, 0, 1, 0.5, 0.5, 0.3, 0, 0.5])
  static let udp = RoleWeights(values: [0.5, 0.5, 1, 0.5, 1, 0.5, 0.5, 0.3, 0, 0.5])
  static let partialTCP = tcp
  static let partialUDP = RoleWeights(values: [0.5, 0.5, 0.3, 0.2, 1, 0.5, 0.5, 0.3, 0, 0])
}
