import Foundation
import Testing

/// The code of the pages is that of programs under Sources/Guides, which are built.
@Suite struct GuideTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")

    /// Where the code of each page stands.
    private static let programs = [
        "Proactor/Proactor": ["Programs", "Loops"],
        "Proactor/FirstServer": ["FirstServer"],
        "Proactor/StreamsAndBackPressure": ["Streams"],
        "Proactor/ChildProcesses": ["Processes"],
        "Proactor/SignalsAndEnds": ["Programs"],
        "Proactor/ManyLoops": ["Loops"],
        "Proactor/TimeoutsAndCancelling": ["Loops"],
        "Proactor/ThreadsAndActors": ["Programs"],
        "Proactor/MeasuringLoops": ["Measuring"],
        "ProactorTLS/ProactorTLS": ["TLS"],
        "ProactorTLS/ServersAndClients": ["TLS"],
        "ProactorTLS/CertificatesForTests": ["TLS"],
        "ProactorTLS/TruncatedConnections": ["TLS"],
        "ProactorTesting/ProactorTesting": ["Testing"],
        "ProactorTesting/FindingABug": ["Testing"],
        "ProactorMetrics/ProactorMetrics": ["Measuring"],
        "ProactorNIO/ProactorNIO": ["Channels"],
        "ProactorNIO/FromSwiftNIO": ["Channels"],
        "ProactorServiceLifecycle/ProactorServiceLifecycle": ["Services"],
        "ProactorHummingbird/ProactorHummingbird": ["Services"],
        "ProactorGRPC/ProactorGRPC": ["Services"],
    ]

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The pieces of code in a page.
    private static func pieces(in page: String) -> [String] {
        page.components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
    }

    /// The pages of all products, as `Product/Page`, with the pieces of code that each has.
    private static func pages() throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        let sources = root.appending(path: "Sources")
        for product in try FileManager.default.contentsOfDirectory(atPath: sources.path) {
            let folder = sources.appending(path: "\(product)/\(product).docc")
            for file in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            where file.hasSuffix(".md") {
                found["\(product)/\(file.dropLast(3))"] = pieces(
                    in: try text("Sources/\(product)/\(product).docc/\(file)")
                )
            }
        }
        return found
    }

    private static func isOfManifest(_ piece: String) -> Bool { piece.contains(".package(") }

    /// The paragraphs of a text, without what they are indented by: a page shows a part of a function as if it stood alone.
    private static func paragraphs(of text: String) -> [String] {
        text.components(separatedBy: "\n")
            .map { String($0.drop { $0 == " " }) }
            .split(separator: "", omittingEmptySubsequences: true)
            .map { $0.joined(separator: "\n") }
    }

    @Test func everyPieceOfCodeIsBuilt() throws {
        let pages = try Self.pages()
        #expect(pages.count > 20)
        for (page, pieces) in pages.sorted(by: { $0.key < $1.key }) {
            let code = pieces.filter { !Self.isOfManifest($0) }
            let names = Self.programs[page] ?? []
            #expect(
                code.isEmpty == names.isEmpty,
                "\(page) has code, or has none, and the list says otherwise"
            )
            let programs = try names.map { try Self.text("Sources/Guides/\($0).swift") }
            let built = programs.flatMap { Self.paragraphs(of: $0) }.map { "\n\($0)\n" }
            for paragraph in code.flatMap({ Self.paragraphs(of: $0) }) {
                #expect(
                    built.contains { $0.contains("\n\(paragraph)\n") },
                    "\(page) shows what is not in \(names): \(paragraph)"
                )
            }
        }
        for page in Self.programs.keys { #expect(pages[page] != nil, "there is no page \(page)") }
    }

    /// The changes name it, and every page that says how to depend on the package, and a trait that it has.
    @Test func everyPageNamesTheVersionAndATrait() throws {
        let heading = try #require(
            try Self.text("CHANGELOG.md").split(separator: "\n").first { $0.hasPrefix("## ") }
        )
        let version = try #require(
            heading.firstMatch(of: /## (\d+\.\d+\.\d+)\b/)?.1,
            "no version in the first heading: \(heading)"
        )
        let manifest = try Self.text("Package.swift")
        var pieces = try Self.pages().values.flatMap { $0 }
        for page in ["README.md", "Integrations/README.md"] { pieces += Self.pieces(in: try Self.text(page)) }
        pieces = pieces.filter(Self.isOfManifest)
        #expect(pieces.count > 7)
        for piece in pieces {
            #expect(piece.contains("swift-proactor\", from: \"\(version)\""), "another version: \(piece)")
            for trait in piece.matches(of: /traits: \["(\w+)"/) {
                #expect(manifest.contains("name: \"\(trait.1)\""), "no such trait: \(trait.1)")
            }
        }
    }
}
