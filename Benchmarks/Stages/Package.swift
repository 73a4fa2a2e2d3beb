// swift-tools-version: 6.2

import PackageDescription

/// Language features that every target of this package turns on, as in the main package.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

// A package of its own beside the generator's, because it builds all stages once more and what they
// depend on: the tests need the generator alone, and are not to wait for this.
let package = Package(
  name: "Stages",
  products: [.executable(name: "renkei-stages", targets: ["StagesCommand"])],
  dependencies: [
    // Named, since without a name it is called after its folder, which anybody may rename.
    .package(name: "renkei", path: "../.."),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Repeated measurements, percentiles, thresholds. Without its traits, which count allocations by
    // replacing malloc: here only time counts.
    .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
  ],
  targets: [
    // A stage, what it reads, and who empties what it writes.
    .target(
      name: "StageDrives", dependencies: [.product(name: "RenkeiStages", package: "renkei")],
      swiftSettings: settings),
    // What the benchmark library can't do: two processes, ten million sessions, callgrind, days.
    .executableTarget(
      name: "StagesCommand",
      dependencies: [
        "StageDrives", .product(name: "RenkeiStages", package: "renkei"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    .executableTarget(
      name: "StageBenchmarks",
      dependencies: ["StageDrives", .product(name: "Benchmark", package: "benchmark")],
      path: "Benchmarks/StageBenchmarks", swiftSettings: settings,
      plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
  ]
)
