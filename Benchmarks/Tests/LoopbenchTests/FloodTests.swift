import Foundation
import Testing

@testable import loopbench

/// One connection asks while others flood.
struct FloodTests {
    private static let lineBytes = Workload.floodLineBytes

    /// Ignores all that floods, and does with questions what a test says.
    private static func server(
        _ answer: @escaping (PliantServer, PliantServer.Message) -> Void
    ) throws -> PliantServer {
        let server = try PliantServer(messageBytes: lineBytes) { server, message in
            guard message.bytes.first == UInt8(ascii: "?") else { return }
            answer(server, message)
        }
        // As much as is soon done: 30 MB a second of the simulated time.
        server.pieceBytesMax = 20 * lineBytes
        return server
    }

    @Test func latencyIsThatOfTheOneWhoAsks() throws {
        var questions = 0
        let server = try Self.server { server, message in
            questions += 1
            if questions == 20 { server.nanoseconds += 40_000_000 }
            server.answer(message.connection, message.bytes)
        }
        let measured = try server.drive("unix-flood-3", seconds: 0.1)
        let waited = try #require(measured.latency)
        #expect(measured.errors == 0 && measured.corruptions == 0)
        #expect(measured.requests > 30)
        #expect((0...1).contains(UInt64(questions) - measured.requests))
        #expect((40_000_000...42_000_000).contains(waited.maximumNanoseconds))
        #expect(waited.p50Nanoseconds < 2_000_000)
        // All that flooded was lines, and more of it than was asked.
        #expect(measured.bytes > 100_000)
    }

    @Test func warmingUpIsNotCounted() throws {
        var questions: UInt64 = 0
        let server = try Self.server { server, message in
            questions += 1
            server.answer(message.connection, message.bytes)
        }
        let measured = try server.drive("unix-flood-2", seconds: 0.05, warmUp: 0.05)
        let part = Double(measured.requests) / Double(questions)
        #expect(part > 0.3 && part < 0.7, "\(measured.requests) of \(questions)")
    }

    /// The answer to another question is as wrong as a changed one, and so is one that nobody asked for.
    @Test(arguments: ["stale", "changed", "doubled", "to a flooder"])
    func whatWasNotAskedIsCorruption(_ fault: String) throws {
        var first: ArraySlice<UInt8>?
        var questions = 0
        let server = try Self.server { server, message in
            questions += 1
            var bytes = message.bytes
            if questions == 10 {
                switch fault {
                case "stale": bytes = first ?? []
                case "changed": bytes[bytes.startIndex + 5] ^= 1
                case "doubled": bytes += bytes
                default: server.answer(message.connection == 0 ? 1 : 0, bytes)
                }
            }
            first = first ?? bytes
            server.answer(message.connection, bytes)
        }
        #expect(try server.drive("unix-flood-2", seconds: 0.02).corruptions == 1)
    }

    /// Bytes went in, and yet it has done nothing.
    @Test func whoNeverAnswersHasNoResult() throws {
        let workload = try #require(Workload(named: "unix-flood-2"))
        let measured = try Self.server { _, _ in }.drive(workload.name, seconds: 0.05)
        #expect(measured.requests == 0 && measured.bytes > 0 && measured.latency == nil)
        let result = WorkloadResult(workload: workload, rounds: [Round(index: 1, measurements: [measured])])
        #expect(result.defect(of: "simulated") == "sent back nothing")
    }

    /// The servers of this package, as processes: what they take is what they were sent, less what the kernel keeps for them.
    @Test(arguments: ["c-ring", "c-epoll", "proactor", "epoll", "swift-nio", "swift-nio-proactor"])
    func contendersAnswer(_ name: String) throws {
        let contender = try #require(Contender.catalog.first { $0.name == name })
        let workload = try #require(Workload(named: "flood-2"))
        let server = try ServerProcess.start(contender, for: workload, cpu: -1)
        var measured: loopbench.Measurement?
        // Beside other tests a server may not have its turn for long.
        for seconds in [0.1, 1, 10] where measured?.requests ?? 0 == 0 {
            measured = try LoadGenerator(warmUpSeconds: 0, windowSeconds: seconds).measure(
                workload,
                contender: name,
                round: 1,
                endpoint: server.endpoint,
                processID: server.processID
            )
        }
        try server.stop()
        let found = try #require(measured)
        #expect(found.requests > 0 && found.bytes > 0 && found.errors == 0 && found.corruptions == 0)
    }
}
