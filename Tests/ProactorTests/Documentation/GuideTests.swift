import Foundation
import Testing

/// The guides' code is that of programs under Snippets, which are built.
@Suite struct GuideTests {
    @Test(arguments: [
        ("Proactor/Proactor.docc/StreamsAndBackPressure", "StreamsGuide"),
        ("Proactor/Proactor.docc/ChildProcesses", "ProcessesGuide"),
        ("Proactor/Proactor.docc/ManyLoops", "LoopsGuide"),
        ("Proactor/Proactor.docc/TimeoutsAndCancelling", "LoopsGuide"),
        ("ProactorTLS/ProactorTLS.docc/ServersAndClients", "TLSGuide"),
        ("ProactorTLS/ProactorTLS.docc/CertificatesForTests", "TLSGuide"),
        ("ProactorTLS/ProactorTLS.docc/TruncatedConnections", "TLSGuide"),
    ])
    func everyPieceOfCodeIsBuilt(guide: String, snippet: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let page = try String(
            contentsOf: root.appending(path: "Sources/\(guide).md"),
            encoding: .utf8
        )
        let program = try String(
            contentsOf: root.appending(path: "Snippets/\(snippet).swift"),
            encoding: .utf8
        )
        let pieces = page.components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(!pieces.isEmpty)
        for piece in pieces { #expect(program.contains(piece), "not in \(snippet): \(piece)") }
    }
}
