import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SockConnectingTests {
    @Test(arguments: SocketCase.all)
    func aConnectionIsMadeAndAccepted(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let (listener, address) = try testListener()
            let client = try testSocket(AF_INET)
            try flavour.set(listener)
            try flavour.set(client)
            try loop.run {
                let accepting = loop.createTask { try await loop.sockAccept(listener) }
                try await loop.sockConnect(client, to: address)
                let (served, peer) = try await accepting.value()
                let system = LinuxSystemCalls(nonBlocking: false)
                #expect(peer == (try system.localAddress(of: client)))
                #expect(fcntl(served.rawValue, F_GETFD) & FD_CLOEXEC != 0)
                try await loop.sockSendAll(client, "hello")
                #expect(try await loop.sockRecv(served, upTo: 10) == Array("hello".utf8))
                let error = await expectError(SocketError.self) {
                    try await loop.sockConnect(client, to: address)
                }
                #expect(error == SocketError(.connect, .socketIsConnected, address: address))
                // A listener that somebody waits at already is ready at once.
                let second = try testSocket(AF_INET)
                try await loop.sockConnect(second, to: address)
                let (other, _) = try await loop.sockAccept(listener)
                for socket in [served, other, second] { try socket.close() }
            }
            try client.close()
            try listener.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aUnixSocketIsConnected(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let listener = try testSocket(AF_UNIX)
            // The kernel chooses an abstract name.
            try checkCall(try SocketAddress.unixUnnamed.withKernelForm { bind(listener.rawValue, $0, $1) })
            try checkCall(listen(listener.rawValue, 4))
            let address = try LinuxSystemCalls(nonBlocking: false).localAddress(of: listener)
            let client = try testSocket(AF_UNIX)
            try loop.run {
                try await loop.sockConnect(client, to: address)
                let (served, peer) = try await loop.sockAccept(listener)
                #expect(peer == .unixUnnamed)
                try served.close()
                await expectInvalid("no internet socket") {
                    try await loop.sockConnect(client, host: "localhost", port: 1)
                }
            }
            try client.close()
            try listener.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aNameIsLookedUpInTheSocketsFamily(kind: LoopKind) async throws {
        let (listener, address) = try testListener()
        let hosts = ["here": [.ipv6(.loopback, port: 0), address]]
        try await kind.withLoop(hosts: hosts) { loop in
            let client = try testSocket(AF_INET)
            try loop.runUntilComplete {
                try await loop.sockConnect(client, host: "here", port: try #require(address.port))
            }
            #expect(try LinuxSystemCalls(nonBlocking: false).peerAddress(of: client) == address)
            try client.close()
        }
        try listener.close()
    }

    // Pitfall 25
    @Test(arguments: SocketCase.all)
    func aRefusalIsAnError(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            let address = SocketAddress.ipv4(TestAddress.own(42, 1), port: 9)
            let client = try testSocket(AF_INET)
            try flavour.set(client)
            try loop.run {
                let error = await expectError(SocketError.self) {
                    try await loop.sockConnect(client, to: address)
                }
                #expect(error == SocketError(.connect, .connectionRefused, address: address))
                let noListener = await expectError(SocketError.self) { try await loop.sockAccept(client) }
                #expect(noListener?.operation == .accept)
                #expect(noListener?.errno == .invalidArgument)
            }
            try client.close()
        }
    }

    @Test(arguments: SocketCase.all)
    func cancellingEndsAConnectThatHangs(flavour: SocketCase) async throws {
        let hanging = try FullListener(at: .ipv4(TestAddress.own(43, 1), port: 0))
        let address = try hanging.address
        try await flavour.kind.withLoop { loop in
            let client = try testSocket(AF_INET)
            try flavour.set(client)
            let task = loop.createTask { try await loop.sockConnect(client, to: address) }
            try loop.turnUntilWaiting()
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            #expect(isOpen(client))
            try client.close()
        }
        try hanging.close()
    }
}
