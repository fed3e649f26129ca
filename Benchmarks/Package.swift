// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what the benchmarks need never reaches an importer of the library.
let package = Package(
    name: "benchmarks",
    products: [
        .executable(name: "loopbench", targets: ["loopbench"]),
        .executable(name: "c-ring-echo", targets: ["c-ring-echo"]),
        .executable(name: "c-epoll-echo", targets: ["c-epoll-echo"]),
        .executable(name: "c-ring-udp", targets: ["c-ring-udp"]),
        .executable(name: "c-ring-tls", targets: ["c-ring-tls"]),
        .executable(name: "c-epoll-tls", targets: ["c-epoll-tls"]),
        .executable(name: "nio-echo", targets: ["nio-echo"]),
    ],
    traits: [
        .trait(
            name: "BoringSSL",
            description: "swift-proactor's TLS by BoringSSL, in place of the system's OpenSSL"
        )
    ],
    dependencies: [
        .package(
            name: "swift-proactor",
            path: "..",
            traits: [.trait(name: "BoringSSL", condition: .when(traits: ["BoringSSL"])), "NIO"]
        ),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
    ],
    targets: [
        .systemLibrary(name: "CBenchLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .target(name: "CPattern"),
        .target(name: "CLines"),
        .systemLibrary(name: "CBenchOpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "CServe", dependencies: ["CPattern"]),
        .target(name: "CServeRing", dependencies: ["CServe", "CBenchLiburing"]),
        .target(name: "CServeTLS", dependencies: ["CServe", "CBenchOpenSSL"]),
        .executableTarget(name: "c-ring-echo", dependencies: ["CServe", "CServeRing", "CPattern", "CLines"]),
        .executableTarget(name: "c-epoll-echo", dependencies: ["CServe", "CPattern", "CLines"]),
        .executableTarget(name: "c-ring-udp", dependencies: ["CServe", "CBenchLiburing"]),
        .executableTarget(name: "c-ring-tls", dependencies: ["CServe", "CServeRing", "CServeTLS"]),
        .executableTarget(name: "c-epoll-tls", dependencies: ["CServe", "CServeTLS"]),
        // A program of its own: what SwiftNIO costs to build, only those pay who compare with it.
        .executableTarget(
            name: "nio-echo",
            dependencies: [
                "CLines",
                "CPattern",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Proactor", package: "swift-proactor"),
                .product(name: "ProactorNIO", package: "swift-proactor"),
            ]
        ),
        .target(name: "CLoad", dependencies: ["CPattern", "CBenchOpenSSL"]),
        .target(name: "CMicro"),
        .target(name: "CFiles", dependencies: ["CBenchLiburing"]),
        .executableTarget(
            name: "loopbench",
            dependencies: [
                "CLoad",
                "CMicro",
                "CPattern",
                "CLines",
                "CFiles",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Proactor", package: "swift-proactor"),
                .product(name: "ProactorTLS", package: "swift-proactor"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
        .testTarget(
            name: "LoopbenchTests",
            dependencies: [
                "loopbench", "CLoad", "CLines",
                .product(name: "Proactor", package: "swift-proactor"),
                .product(name: "ProactorTLS", package: "swift-proactor"),
                .product(name: "SystemPackage", package: "swift-system"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
