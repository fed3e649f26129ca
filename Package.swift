// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "swift-proactor",
    products: [
        .library(name: "Proactor", targets: ["Proactor"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CLiburing", pkgConfig: "liburing", providers: [.apt(["liburing-dev"])]),
        .target(name: "CUring", dependencies: ["CLiburing"]),
        .target(name: "CPosix"),
        .target(
            name: "Proactor",
            dependencies: [
                "CUring",
                "CPosix",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "ProactorTests",
            dependencies: ["Proactor", "CPosix"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
