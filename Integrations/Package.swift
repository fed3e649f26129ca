// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what the examples need never reaches an importer of the library.
//
// gRPC doubles what there is to build: INTEGRATIONS=hummingbird leaves it out.
let hasGRPC = Context.environment["INTEGRATIONS"] != "hummingbird"

// An application of its own would name Hummingbird or GRPC only. These are those that `make test-traits` builds with: what is the same is
// built once.
var traits: Set<Package.Dependency.Trait> = [
    "BoringSSL", "Metrics", "NIO", "ServiceLifecycle", "Hummingbird",
]
if hasGRPC { traits.insert("GRPC") }

let package = Package(
    name: "integrations",
    dependencies: [
        .package(name: "swift-proactor", path: "..", traits: traits),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        .target(
            name: "IntegrationOptions",
            dependencies: [
                .product(name: "Proactor", package: "swift-proactor"),
                .product(name: "ProactorNIO", package: "swift-proactor"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .target(
            name: "HelloHummingbird",
            dependencies: [
                "IntegrationOptions",
                .product(name: "ProactorHummingbird", package: "swift-proactor"),
                .product(name: "ProactorNIO", package: "swift-proactor"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        // For the tests: processes, certificates, waiting.
        .target(
            name: "IntegrationTesting",
            dependencies: [.product(name: "Proactor", package: "swift-proactor")],
            path: "Tests/IntegrationTesting"
        ),
        .executableTarget(
            name: "hummingbird-hello",
            dependencies: ["HelloHummingbird", "IntegrationOptions"]
        ),
        .testTarget(
            name: "HelloHummingbirdTests",
            dependencies: [
                "HelloHummingbird", "IntegrationOptions", "IntegrationTesting",
                .product(name: "ProactorHummingbird", package: "swift-proactor"),
                .product(name: "ProactorNIO", package: "swift-proactor"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)

if hasGRPC {
    package.dependencies += [
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    ]
    package.targets += [
        .target(
            name: "EchoGRPC",
            dependencies: [
                "IntegrationOptions",
                .product(name: "ProactorGRPC", package: "swift-proactor"),
                .product(name: "ProactorNIO", package: "swift-proactor"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .executableTarget(name: "grpc-echo", dependencies: ["EchoGRPC", "IntegrationOptions"]),
        .executableTarget(name: "grpc-load", dependencies: ["EchoGRPC", "IntegrationOptions"]),
        .testTarget(
            name: "EchoGRPCTests",
            dependencies: [
                "EchoGRPC", "IntegrationOptions", "IntegrationTesting",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ]
        ),
    ]
}
