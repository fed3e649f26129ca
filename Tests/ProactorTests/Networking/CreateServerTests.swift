import Foundation
import SystemPackage
import Testing

@testable import Proactor

@Suite struct CreateServerTests {
    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func aServerListensOnSeveralHosts(kind: LoopKind) async throws {
        let hosts = (1...3).compactMap { SocketAddress.ipv4(TestAddress.own(20, $0), port: 0).host }
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let server = try await loop.createServer(hosts: hosts, port: 0) { Witness() }
                #expect(try server.sockets.map { try $0.localAddress().host } == hosts)
                for socket in server.sockets {
                    let (transport, _) = try await loop.createConnection(
                        host: try socket.localAddress().host,
                        port: try socket.localAddress().port
                    ) { Witness() }
                    transport.abort()
                }
                server.abortClients()
                server.close()
            }
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere, [nil, ""])
    func withoutAHostItIsEveryInterface(kind: LoopKind, host: String?) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let server = try await loop.createServer(host: host, port: 0) { Witness() }
                let families = Set(try server.sockets.map { try $0.localAddress().family })
                #expect(families.isSubset(of: [.ipv4, .ipv6]))
                #expect(families.contains(.ipv4))
                server.close()
                let four = try await loop.createServer(host: host, port: 0, family: .ipv4) { Witness() }
                #expect(try four.sockets.map { try $0.localAddress().host } == ["0.0.0.0"])
                four.close()
            }
        }
    }

    // Behaviour 14
    // Behaviour 15
    @Test(arguments: LoopKind.everywhere)
    func aFailedBindClosesTheSocketsThatWereOpen(kind: LoopKind) async throws {
        let addresses = (1...3).map { SocketAddress.ipv4(TestAddress.own(21, $0), port: 0) }
        try await kind.withLoop(hosts: ["three": addresses]) { loop in
            try loop.runUntilComplete {
                let taken = try await loop.createServer(host: addresses[1].host, port: 0) { Witness() }
                let port = try taken.port
                let error = await expectError(SocketError.self) {
                    try await loop.createServer(host: "three", port: port) { Witness() }
                }
                #expect(error?.errno == .addressInUse)
                #expect(error?.address == addresses[1].withPort(port))
                #expect(error?.operation == .bind)
                // It would be in use if the first socket were still open.
                let again = try await loop.createServer(host: addresses[0].host, port: port) { Witness() }
                again.close()
                taken.close()
            }
        }
    }

    // Behaviour 14
    @Test(arguments: LoopKind.everywhere)
    func aPortIsSharedWhenBothServersAskForIt(kind: LoopKind) async throws {
        let host = TestAddress.own(22, 1).description
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let first = try await loop.createServer(host: host, port: 0, reusePort: true) { Witness() }
                let port = try first.port
                let second = try await loop.createServer(host: host, port: port, reusePort: true) {
                    Witness()
                }
                #expect(try second.port == port)
                first.close()
                second.close()
            }
        }
    }

    // Behaviour 13
    @Test(arguments: LoopKind.allCases)
    func aSocketTogetherWithAnAddressOrNeitherIsAnError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let socket = try testSocket(2)
            let datagram = try testSocket(2, .datagram)
            try loop.runUntilComplete {
                await expectInvalid("not both") {
                    try await loop.createServer(host: "localhost", socket: socket) { Witness() }
                }
                await expectInvalid("not both") {
                    try await loop.createServer(port: 0, socket: socket) { Witness() }
                }
                await expectInvalid("needs a port, a host or a socket") {
                    try await loop.createServer { Witness() }
                }
                await expectInvalid("not a stream socket") {
                    try await loop.createServer(socket: datagram) { Witness() }
                }
                await expectInvalid("needs a path") { try await loop.createUnixServer { Witness() } }
                await expectInvalid("not several") {
                    try await loop.createUnixServer(path: "/a", socket: socket) { Witness() }
                }
                await expectInvalid("family") {
                    try await loop.createUnixServer(socket: socket) { Witness() }
                }
            }
            try socket.close()
            try datagram.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aBoundSocketIsListenedOn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let socket = try testSocket(2)
                try loop.backend.system.bind(socket, to: .ipv4(.loopback, port: 0))
                let server = try await loop.createServer(socket: socket) { Witness() }
                let (transport, _) = try await loop.createConnection(host: "127.0.0.1", port: server.port) {
                    Witness()
                }
                transport.abort()
                server.abortClients()
                server.close()
            }
        }
    }

    // Behaviour 21
    @Test(arguments: LoopKind.allCases)
    func aStaleSocketIsReplacedAndAnotherFileIsNot(kind: LoopKind) async throws {
        try await withTemporaryDirectory { directory in
            try await kind.withLoop { loop in
                try loop.runUntilComplete {
                    let stale = directory + "/stale"
                    let left = try testSocket(1)
                    try loop.backend.system.bind(left, to: .unix(path: stale))
                    try left.close()
                    let server = try await loop.createUnixServer(path: stale) { Witness() }
                    let (transport, _) = try await loop.createUnixConnection(path: stale) { Witness() }
                    transport.abort()
                    server.abortClients()
                    server.close()
                    #expect(!FileManager.default.fileExists(atPath: stale))

                    let file = directory + "/file"
                    try Data("kept".utf8).write(to: URL(fileURLWithPath: file))
                    let error = await expectError(SocketError.self) {
                        try await loop.createUnixServer(path: file) { Witness() }
                    }
                    #expect(error == SocketError(.bind, .addressInUse, address: .unix(path: file)))
                    #expect(try String(contentsOfFile: file, encoding: .utf8) == "kept")
                }
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anAbstractNameLeavesNoFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let name = "swift-proactor-test-\(UInt64.random(in: 0 ... .max))"
                let server = try await loop.createUnixServer(abstractName: name) { Witness() }
                let (transport, _) = try await loop.createUnixConnection(abstractName: name) { Witness() }
                #expect(transport.extraInfo(.peerName) == .unixAbstract(name: Array(name.utf8)))
                transport.abort()
                server.abortClients()
                server.close()
            }
        }
    }
}

private func withTemporaryDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "proactor-\(UUID().uuidString)"
    )
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    try await body(directory.path)
}
