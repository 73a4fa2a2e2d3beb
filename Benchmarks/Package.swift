// swift-tools-version: 6.1

import PackageDescription

/// Language features that every target of this package turns on, so that a file may move freely
/// between here and the main package.
let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Benchmarks",
  products: [
    .executable(name: "renkei-generate", targets: ["TrafficGenerator"])
  ],
  targets: [
    .executableTarget(name: "TrafficGenerator", swiftSettings: settings)
  ]
)
