import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Numbers that stand for nothing.
@Suite struct StrangeDescriptorTests {
    static let numbers: [Int32] = [-1, -2, -3, 999_999, .max]

    @Test(arguments: LoopKind.everywhere)
    func aNumberThatStandsForNothingIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for number in Self.numbers {
                let nothing = FileDescriptor(rawValue: number)
                try loop.run { try await Self.checkSocketCalls(nothing, on: loop) }
                try loop.run { try await Self.checkTransports(nothing, on: loop) }
                #expect(throws: DescriptorError(nothing, .badFileDescriptor)) {
                    try loop.addReader(nothing) {}
                }
                #expect(throws: DescriptorError(nothing, .badFileDescriptor)) {
                    try loop.addWriter(nothing) {}
                }
                #expect(try !loop.removeReader(nothing))
                #expect(try !loop.removeWriter(nothing))
            }
        }
    }

    private nonisolated(nonsending) static func checkSocketCalls(
        _ nothing: FileDescriptor,
        on loop: BaseEventLoop
    ) async throws {
        let address = SocketAddress.ipv4(.loopback, port: 9)
        await expectBad { _ = try await loop.sockRecv(nothing, upTo: 1) }
        await expectBad { _ = try await loop.sockRecvFrom(nothing, upTo: 1) }
        await expectBad { try await loop.sockSendAll(nothing, [1]) }
        await expectBad { _ = try await loop.sockSendTo(nothing, [1], to: address) }
        await expectBad { try await loop.sockConnect(nothing, to: address) }
        await expectBad { try await loop.sockConnect(nothing, host: "127.0.0.1", port: 9) }
        await expectBad { _ = try await loop.sockAccept(nothing) }
    }

    private nonisolated(nonsending) static func checkTransports(
        _ nothing: FileDescriptor,
        on loop: BaseEventLoop
    ) async throws {
        await expectBad { _ = try await loop.connectAcceptedSocket(nothing) { RecordingProtocol() } }
        await expectBad { _ = try await loop.createConnection(socket: nothing) { RecordingProtocol() } }
        await expectBad { _ = try await loop.createServer(socket: nothing) { RecordingProtocol() } }
        await expectBad {
            _ = try await loop.createDatagramEndpoint(socket: nothing) { RecordingDatagramProtocol() }
        }
        await expectBad { _ = try await loop.connectReadPipe(nothing) { RecordingProtocol() } }
        await expectBad { _ = try await loop.connectWritePipe(nothing) { RecordingProtocol() } }
    }

    /// For a child too it is refused, and stands for nothing else.
    @Test(arguments: LoopKind.allCases)
    func aChildsStreamThatStandsForNothingIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            for number in Self.numbers {
                let nothing = FileDescriptor(rawValue: number)
                for stream in 0..<3 {
                    var options = ProcessOptions()
                    options.standardInput = stream == 0 ? .descriptor(nothing) : .null
                    options.standardOutput = stream == 1 ? .descriptor(nothing) : .null
                    options.standardError = stream == 2 ? .descriptor(nothing) : .null
                    let error = #expect(throws: ProcessError.self) {
                        try loop.run {
                            try await loop.subprocessShell("true", options: options) { RecordingSubprocess() }
                        }
                    }
                    #expect(error?.errno == .badFileDescriptor, "\(String(describing: error))")
                }
            }
        }
    }
}

private nonisolated(nonsending) func expectBad(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: nonisolated(nonsending) () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("no error", sourceLocation: sourceLocation)
    } catch {
        let isBad =
            (error as? SocketError)?.errno == .badFileDescriptor
            || error as? PipeError == .failed(.inspect, .badFileDescriptor)
        #expect(isBad, "\(error)", sourceLocation: sourceLocation)
    }
}
