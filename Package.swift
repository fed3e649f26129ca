// swift-tools-version: 6.2
import PackageDescription

// For contributors and CI; a package that depends on this one never sees it. A newer compiler's new warning must not
// stop anybody's build.
let warningsAreErrors = Context.environment["PROACTOR_WARNINGS_AS_ERRORS"] == "1"
let swiftSettings: [SwiftSetting] = warningsAreErrors ? [.treatAllWarnings(as: .error)] : []
let cSettings: [CSetting] =
    warningsAreErrors ? [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)] : []

/// The programs of Sources/Examples. Packages that depend on this one do not build them: they are no products.
let examples = [
    "Hello", "DisplayDate", "TCPEchoServer", "TCPEchoClient", "UDPEchoServer", "UDPEchoClient",
    "WatchDescriptor", "Signals", "Subprocess", "SubprocessStreams", "LineServer",
    "StreamEchoServer", "StreamEchoClient", "StreamSocket", "HTTPHead", "ChatServer",
    "DispatcherHTTPClient", "DispatcherEchoServer", "ChatRequestHandler",
    "HTTPSServer", "HTTPSClient", "StartTLS",
].map { name in
    Target.executableTarget(
        name: "Example\(name)",
        dependencies: ["Proactor", .product(name: "SystemPackage", package: "swift-system")]
            + (["HTTPSServer", "HTTPSClient", "StartTLS"].contains(name) ? ["ProactorTLS"] : []),
        path: "Sources/Examples/\(name)",
        // Some as in a package whose code is the main actor's by default: one of each kind of protocol.
        swiftSettings: swiftSettings
            + ([
                "TCPEchoClient", "UDPEchoClient", "Subprocess", "SubprocessStreams", "StreamEchoClient",
                "HTTPHead",
            ].contains(name)
                ? [.defaultIsolation(MainActor.self)] : [])
    )
}

/// For `make fuzz`: libFuzzer brings the program's `main`, so without it this cannot be linked.
let fuzzer: [Target] =
    Context.environment["PROACTOR_FUZZ"] == "1"
    ? [.executableTarget(name: "fuzz", dependencies: ["ProactorFuzzing"], path: "Tests/Fuzz")] : []

let package = Package(
    name: "swift-proactor",
    products: [
        .library(name: "Proactor", targets: ["Proactor"]),
        .library(name: "ProactorTLS", targets: ["ProactorTLS"]),
        .library(name: "ProactorNIO", targets: ["ProactorNIO"]),
        .library(name: "ProactorTesting", targets: ["ProactorTesting"]),
        .library(name: "ProactorMetrics", targets: ["ProactorMetrics"]),
        .library(name: "ProactorServiceLifecycle", targets: ["ProactorServiceLifecycle"]),
        .library(name: "ProactorHummingbird", targets: ["ProactorHummingbird"]),
        .library(name: "ProactorGRPC", targets: ["ProactorGRPC"]),
    ],
    traits: [
        .trait(
            name: "BoringSSL",
            description: "TLS by the BoringSSL that swift-nio-ssl carries, in place of the system's OpenSSL"
        ),
        .trait(name: "NIO", description: "ProactorNIO: SwiftNIO's channels over this library's loops"),
        .trait(
            name: "Metrics",
            description: "ProactorMetrics: what loops do, exported by swift-metrics; empty without"
        ),
        .trait(
            name: "ServiceLifecycle",
            description:
                "ProactorServiceLifecycle: servers, groups and loops as services of swift-service-lifecycle"
        ),
        .trait(
            name: "Hummingbird",
            description: "ProactorHummingbird: Hummingbird's applications over this library's loops",
            enabledTraits: ["NIO"]
        ),
        .trait(
            name: "GRPC",
            description: "ProactorGRPC: a server transport of grpc-swift over this library's loops",
            enabledTraits: ["NIO"]
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.1.0"),
        // Fetched with the trait BoringSSL only: nothing else uses it.
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        // The same with the trait NIO.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        // Fetched with the trait Metrics only.
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        // Fetched with the trait ServiceLifecycle, and with Hummingbird, which needs it itself.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        // Used by a test only: what a task carries for tracing.
        .package(url: "https://github.com/apple/swift-service-context", from: "1.1.0"),
        // Fetched with the trait Hummingbird only.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        // Fetched with the trait GRPC only.
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.3.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
        // Fetched with either.
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.27.0"),
    ],
    targets: [
        .systemLibrary(name: "CLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .target(name: "CUring", dependencies: ["CLiburing"], cSettings: cSettings),
        .target(name: "CPosix", cSettings: cSettings),
        .target(
            name: "Proactor",
            dependencies: [
                "CUring",
                "CPosix",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: swiftSettings
        ),
        // Linked because ProactorTLS imports it, which it does without the trait only. What pkg-config says would be linked always.
        .systemLibrary(name: "CLibSSL", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "COpenSSL",
            dependencies: [
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["BoringSSL"]))
            ],
            cSettings: cSettings + [.define("COPENSSL_BORING", .when(traits: ["BoringSSL"]))]
        ),
        .target(
            name: "ProactorTLS",
            dependencies: [
                "Proactor", "COpenSSL", "CLibSSL", .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swiftSettings
        ),
        // Empty without the trait NIO.
        .target(
            name: "ProactorNIO",
            dependencies: [
                "Proactor",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["NIO"])),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "ProactorTesting",
            dependencies: [
                "Proactor", "CPosix", "CUring",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "ProactorMetrics",
            dependencies: [
                "Proactor",
                .product(
                    name: "CoreMetrics",
                    package: "swift-metrics",
                    condition: .when(traits: ["Metrics"])
                ),
            ],
            swiftSettings: swiftSettings
        ),
        // Empty without the trait ServiceLifecycle.
        .target(
            name: "ProactorServiceLifecycle",
            dependencies: [
                "Proactor",
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycle"])
                ),
            ],
            swiftSettings: swiftSettings
        ),
        // Empty without the trait Hummingbird.
        .target(
            name: "ProactorHummingbird",
            dependencies: [
                "ProactorNIO",
                .product(
                    name: "Hummingbird",
                    package: "hummingbird",
                    condition: .when(traits: ["Hummingbird"])
                ),
                .product(
                    name: "HummingbirdCore",
                    package: "hummingbird",
                    condition: .when(traits: ["Hummingbird"])
                ),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Hummingbird"])),
                .product(
                    name: "NIOExtras",
                    package: "swift-nio-extras",
                    condition: .when(traits: ["Hummingbird"])
                ),
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["Hummingbird"])
                ),
                .product(
                    name: "UnixSignals",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["Hummingbird"])
                ),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Hummingbird"])),
            ],
            swiftSettings: swiftSettings
        ),
        // Empty without the trait GRPC.
        .target(
            name: "ProactorGRPC",
            dependencies: [
                "ProactorNIO",
                .product(name: "GRPCCore", package: "grpc-swift-2", condition: .when(traits: ["GRPC"])),
                .product(
                    name: "GRPCNIOTransportHTTP2Posix",
                    package: "grpc-swift-nio-transport",
                    condition: .when(traits: ["GRPC"])
                ),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["GRPC"])),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["GRPC"])),
            ],
            swiftSettings: swiftSettings
        ),
        // The code of the guides and of the products' pages, to be compiled: nobody runs it. What needs a trait is there with it.
        .target(
            name: "Guides",
            dependencies: [
                "Proactor", "ProactorTLS", "ProactorTesting", "ProactorMetrics", "ProactorServiceLifecycle",
                "ProactorNIO", "ProactorHummingbird", "ProactorGRPC",
            ],
            swiftSettings: swiftSettings
        ),
        // What several test targets need of Swift Testing.
        .target(
            name: "TestSupport",
            dependencies: ["Proactor"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
        .target(name: "CTestLimits", path: "Tests/CTestLimits", cSettings: cSettings),
        .testTarget(
            name: "ProactorTests",
            dependencies: [
                "Proactor", "ProactorTLS", "ProactorTesting", "ProactorMetrics", "ProactorServiceLifecycle",
                "COpenSSL", "CPosix", "CUring",
                "CTestLimits", "TestCertificates", "TestSupport",
                .product(
                    name: "MetricsTestKit",
                    package: "swift-metrics",
                    condition: .when(traits: ["Metrics"])
                ),
                .product(
                    name: "ServiceLifecycle",
                    package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycle"])
                ),
                .product(
                    name: "ServiceContextModule",
                    package: "swift-service-context",
                    condition: .when(traits: ["ServiceLifecycle"])
                ),
            ],
            swiftSettings: swiftSettings
        ),
        // What is run in simulations: by `make simulate` and, a few seeds of it, by the tests.
        .target(
            name: "ProactorScenarios",
            dependencies: [
                "Proactor", "ProactorTesting", .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/ProactorScenarios",
            swiftSettings: swiftSettings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]
        ),
        .executableTarget(
            name: "simulate",
            dependencies: ["ProactorScenarios", "ProactorTesting"],
            path: "Tests/Simulate",
            swiftSettings: swiftSettings
        ),
        // What takes bytes from outside apart, beside models of it: run by `make fuzz` and, some inputs of it, by the tests.
        .target(
            name: "ProactorFuzzing",
            dependencies: [
                "Proactor", "ProactorTLS", "ProactorTesting", "TestCertificates",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            path: "Tests/ProactorFuzzing",
            swiftSettings: swiftSettings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]
        ),
        .testTarget(
            name: "ProactorSimulation",
            dependencies: [
                "Proactor", "ProactorTesting", "ProactorScenarios", "ProactorFuzzing", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: swiftSettings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]
        ),
        // Tests make their certificates by the system's OpenSSL, whatever is tested.
        .systemLibrary(name: "CTestOpenSSL", path: "Tests/CTestOpenSSL", pkgConfig: "openssl"),
        .target(
            name: "CTestCertificates",
            dependencies: ["CTestOpenSSL"],
            path: "Tests/CTestCertificates",
            cSettings: cSettings
        ),
        .target(
            name: "TestCertificates",
            dependencies: ["ProactorTLS", "CTestCertificates"],
            path: "Tests/TestCertificates",
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ProactorNIOTests",
            dependencies: [
                "Proactor", "ProactorNIO", "ProactorTesting", "TestCertificates", "TestSupport",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["NIO"])),
                .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["NIO"])),
                .product(name: "NIOEmbedded", package: "swift-nio", condition: .when(traits: ["NIO"])),
                .product(
                    name: "NIOConcurrencyHelpers",
                    package: "swift-nio",
                    condition: .when(traits: ["NIO"])
                ),
                .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["BoringSSL"])),
            ],
            swiftSettings: swiftSettings
        ),
        .testTarget(
            name: "ProactorSoak",
            dependencies: ["Proactor", "ProactorTLS", "CUring", "TestCertificates"],
            swiftSettings: swiftSettings
        ),
    ] + examples + fuzzer,
    swiftLanguageModes: [.v6]
)
