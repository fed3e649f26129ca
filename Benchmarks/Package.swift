// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what the benchmarks need never reaches an importer of the library.
let package = Package(
    name: "benchmarks",
    products: [
        .executable(name: "loopbench", targets: ["loopbench"]),
        .executable(name: "c-ring-echo", targets: ["c-ring-echo"]),
        .executable(name: "c-epoll-echo", targets: ["c-epoll-echo"]),
    ],
    dependencies: [
        .package(name: "swift-proactor", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    ],
    targets: [
        .systemLibrary(name: "CBenchLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .target(name: "CServe"),
        .executableTarget(name: "c-ring-echo", dependencies: ["CServe", "CBenchLiburing"]),
        .executableTarget(name: "c-epoll-echo", dependencies: ["CServe"]),
        .target(name: "CLoad"),
        .target(name: "CMicro"),
        .target(name: "CFiles", dependencies: ["CBenchLiburing"]),
        .executableTarget(
            name: "loopbench",
            dependencies: [
                "CLoad",
                "CMicro",
                "CFiles",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Proactor", package: "swift-proactor"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
