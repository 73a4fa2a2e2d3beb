// swift-tools-version: 6.2
import PackageDescription

// One array for every target, so that no target is stricter or laxer than another.
// ExistentialAny SE-0335, InternalImportsByDefault SE-0409, MemberImportVisibility SE-0444.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "renkei",
  products: [
    .executable(name: "renkei", targets: ["Renkei"]),
    // The stages by themselves, for Benchmarks/Stages.
    .library(
      name: "RenkeiStages", targets: ["Wire", "Collector", "Splitter", "Tracker", "Merger"]),
  ],
  dependencies: [
    // The store: SQLite with prepared statements, migrations and read-only opening.
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // The command line: help, validation, completion scripts.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // The report's pages.
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    // The configuration file: YAML with the line of every key.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // The unit's metrics and health over HTTP on loopback.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    // What Hummingbird's interface is made of: sockets and their errors, header fields, loggers.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.0.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    // Certificates and keys of the report service.
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    // AES for addresses that are made anonymous, SHA-256 for what clients may keep.
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
  ],
  targets: [
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // crypt(3): hashes of passwords as the system's own tools make them.
    .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),
    // The client of NATS, whose JetStream joins the boxes of a cluster.
    .systemLibrary(name: "CNATS", pkgConfig: "libnats", providers: [.apt(["libnats-dev"])]),
    // System calls that C declares variadic or as macros, which Swift can't import: futex, prctl.
    .target(name: "CLinux"),

    // What passes between stages: record, batch, ring, addresses, process statistics.
    .target(name: "Wire", dependencies: ["CLinux", "CLZ4"], swiftSettings: settings),
    // The link between the boxes of a cluster: streams, buckets, leases.
    .target(name: "Cluster", dependencies: ["Wire", "CLinux", "CNATS"], swiftSettings: settings),
    // The stages, in the order a packet meets them. They share bytes (Wire), never code.
    .target(
      name: "Collector", dependencies: ["Wire", "CLinux", "CPcap", "CLZ4", "CZstd", "CZlib"],
      swiftSettings: settings),
    .target(
      name: "Splitter", dependencies: ["Wire", "Cluster", "CLinux"], swiftSettings: settings),
    .target(name: "Tracker", dependencies: ["Wire", "Cluster", "CLinux"], swiftSettings: settings),
    .target(
      name: "Merger", dependencies: ["Wire", "Cluster", "ServiceMap", "CLinux"],
      swiftSettings: settings),
    .target(
      name: "Reporter",
      dependencies: [
        "ServiceMap", "Wire", "CLinux", "CCrypt", "CZlib",
        .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
      ],
      resources: [
        .embedInCode("Templates/report.mustache"), .embedInCode("Templates/report.css"),
        .embedInCode("Templates/report.js"), .embedInCode("Templates/site.mustache"),
        .embedInCode("Templates/site.css"), .embedInCode("Templates/site.js"),
        .embedInCode("Templates/openapi.yaml"),
      ],
      swiftSettings: settings),
    // What merger and reporter share: roles, relations, schema, queries.
    .target(
      name: "ServiceMap",
      dependencies: [
        "Wire", "CLinux", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "CryptoExtras", package: "swift-crypto"),
        // The bulk reads and writes of relations bind their columns themselves.
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      swiftSettings: settings),
    // The command line and the unit (supervisor).
    .executableTarget(
      name: "Renkei",
      dependencies: [
        "Wire", "Collector", "Splitter", "Tracker", "Merger", "Reporter", "ServiceMap", "Cluster",
        "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: settings),

    // Tests mirror the sources.
    .target(
      name: "TestSupport", dependencies: ["Wire", "ServiceMap", "Cluster"],
      path: "Tests/TestSupport",
      swiftSettings: settings),
    // A process that writes a store, to be killed.
    .executableTarget(
      name: "StoreWriter", dependencies: ["ServiceMap", "TestSupport"],
      path: "Tests/StoreWriter", swiftSettings: settings),
    .testTarget(name: "WireTests", dependencies: ["Wire", "TestSupport"], swiftSettings: settings),
    .testTarget(
      name: "CollectorTests", dependencies: ["Collector", "Wire", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "ClusterTests", dependencies: ["Cluster", "Wire", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "SplitterTests", dependencies: ["Splitter", "Cluster", "Wire", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "TrackerTests", dependencies: ["Tracker", "Cluster", "Wire", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "MergerTests",
      dependencies: ["Merger", "Tracker", "Cluster", "ServiceMap", "Wire", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "ServiceMapTests",
      dependencies: [
        "ServiceMap", "Wire", "TestSupport", "StoreWriter",
        // The store tests damage stores.
        .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ReporterTests", dependencies: ["Reporter", "ServiceMap", "Wire", "TestSupport"],
      swiftSettings: settings),
    .testTarget(
      name: "RenkeiTests",
      dependencies: [
        "Renkei", "Reporter", "ServiceMap", "Cluster", "TestSupport", "Wire",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),
    // The reports as a reader has them before him, in Chromium.
    .testTarget(
      name: "BrowserTests",
      dependencies: ["TestSupport", "Renkei", "Reporter", "ServiceMap", "Wire"],
      swiftSettings: settings),
    // The built command on real files, end to end.
    .testTarget(
      name: "PipelineTests", dependencies: ["TestSupport", "Renkei", "ServiceMap"],
      swiftSettings: settings),
  ]
)
