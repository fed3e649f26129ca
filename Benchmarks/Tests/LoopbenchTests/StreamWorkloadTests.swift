import Foundation
import Testing

@testable import loopbench

/// Lines and messages of one size, which servers read by streams.
struct StreamWorkloadTests {
    /// Of any length: one line feed, at its end. And each connection has lines of its own, one after the other.
    @Test(arguments: [2, 3, 64, 4_096, 65_536])
    func eachMessageIsALine(_ lineBytes: Int) throws {
        var lines: [[ArraySlice<UInt8>]] = [[], []]
        let server = try PliantServer(messageBytes: lineBytes) { server, message in
            lines[message.connection].append(message.bytes)
            server.answer(message.connection, message.bytes)
        }
        let measured = try server.drive("unix-lines-\(lineBytes)Bx2", seconds: 0.01)
        #expect(measured.corruptions == 0 && measured.errors == 0 && measured.requests > 20)
        for line in lines.joined() {
            #expect(line.firstIndex(of: UInt8(ascii: "\n")) == line.endIndex - 1)
        }
        #expect(lines.allSatisfy { $0.count > 10 })
        guard lineBytes > 3 else { return }
        #expect(zip(lines[0], lines[1]).allSatisfy { $0 != $1 })
        #expect(zip(lines[0], lines[0].dropFirst()).allSatisfy { $0 != $1 })
    }

    @Test func anotherConnectionsLineIsCorruption() throws {
        var held: PliantServer.Message?
        let server = try PliantServer(messageBytes: 64) { server, message in
            guard let first = held else { return held = message }
            guard first.connection != message.connection else { return }
            server.answer(message.connection, first.bytes)
            server.answer(first.connection, message.bytes)
        }
        let measured = try server.drive("unix-lines-64Bx2", seconds: 0.05)
        #expect(measured.corruptions == 2 && measured.requests == 0)
    }

    @Test func theLoadRefusesLinesOfNoLength() throws {
        let server = try PliantServer(messageBytes: 1) { _, _ in }
        let workload = Workload(.lines, family: .unix, connections: 1, messageBytes: 1)
        #expect(throws: LoadGenerator.Failure.self) {
            try server.drive(workload, at: .unix(path: "@nobody"), seconds: 0.01)
        }
    }

    /// What a message has is said to those who have to know.
    @Test func commandsSayHowLongMessagesAre() throws {
        let exact = try #require(Workload(named: "exact-16KiBx50"))
        let lines = try #require(Workload(named: "lines-64Bx50"))
        let somewhere = Contender.Endpoint.tcp(host: "127.0.0.1", port: 0)
        for contender in Contender.catalog where contender.services[.exact] != nil {
            let command = contender.command(endpoint: somewhere, for: exact)
            #expect(command.contains(["--message-bytes", "16384"]), "\(command)")
            #expect(!contender.command(endpoint: somewhere, for: lines).contains("--message-bytes"))
        }
    }

    @Test func thoseWhoFrameAndThoseWhoDoNotAreThere() {
        for service in [loopbench.Service.lines, .exact] {
            let names = Contender.catalog.filter { $0.services[service] != nil }.map(\.name)
            let expected = [
                "c-ring", "c-epoll", "proactor", "epoll", "poll", "select", "swift-nio-async",
                "swift-nio-async-loop", "swift-nio-async-takeover", "swift-nio-proactor-async", "asyncio",
                "uvloop", "go",
            ]
            #expect(names == expected)
        }
    }

    /// Every server that is here, as a process. 40,000 B are more than one read of most of them.
    @Test(arguments: Contender.catalog.filter { $0.services[.lines] != nil && $0.missing == nil }.map(\.name))
    func contendersEcho(_ name: String) throws {
        let contender = try #require(Contender.catalog.first { $0.name == name })
        for workload in ["lines-64Bx3", "unix-lines-40000Bx2", "exact-1KiBx3", "unix-exact-40000Bx2"] {
            let workload = try #require(Workload(named: workload))
            let server = try ServerProcess.start(contender, for: workload, cpu: -1, within: 60)
            var measured: loopbench.Measurement?
            // Beside other tests a server may not have its turn for long.
            for seconds in [0.05, 1, 10] where measured?.requests ?? 0 == 0 {
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
            #expect(found.requests > 0 && found.errors == 0 && found.corruptions == 0)
            #expect(found.latency != nil)
        }
    }
}
