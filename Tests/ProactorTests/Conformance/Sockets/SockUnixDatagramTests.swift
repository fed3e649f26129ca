import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Unix datagrams and a receiver that is full: the kernel consumes what it then refuses.
@Suite struct SockUnixDatagramTests {
    @Test(arguments: SocketCase.all, [false, true])
    func aFullReceiverGetsEachDatagramOnce(flavour: SocketCase, isConnected: Bool) async throws {
        try await flavour.kind.withLoop { loop in
            let peer = try RawDatagramPeer(.unixAbstract)
            let address = peer.address
            var expected = try fill(peer)
            let socket = try testSocket(AF_UNIX, .datagram)
            if isConnected {
                try checkCall(try address.withKernelForm { Glibc.connect(socket.rawValue, $0, $1) })
            }
            try flavour.set(socket)
            let start = { (numbers: ClosedRange<Int>) in
                loop.createTask {
                    for number in numbers {
                        if isConnected {
                            try await loop.sockSendAll(socket, numbered(number))
                        } else {
                            #expect(try await loop.sockSendTo(socket, numbered(number), to: address) == 64)
                        }
                    }
                }
            }
            // Cancelled while it waits, it leaves nothing behind.
            let cancelled = start(5000...5000)
            try loop.settle()
            #expect(!cancelled.done)
            cancelled.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(cancelled) }

            let task = start(6000...6039)
            try loop.settle()
            #expect(!task.done)
            expected += (6000...6039).map { numbered($0) }
            var received: [[UInt8]] = []
            try loop.turn(until: {
                received += peer.receiveAll()
                return task.done && received.count >= expected.count
            })
            try loop.runUntilComplete(task)
            try loop.settle()
            received += peer.receiveAll()
            #expect(received == expected)
            try socket.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatNobodyReceivesIsAnError(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let socket = try testSocket(AF_UNIX, .datagram)
            let address = DatagramFamily.unixAbstract.address()
            try loop.run {
                let refused = await expectError(SocketError.self) {
                    try await loop.sockSendTo(socket, "x", to: address)
                }
                #expect(refused == SocketError(.send, .connectionRefused, address: address))
                let unconnected = await expectError(SocketError.self) {
                    try await loop.sockSendAll(socket, "x")
                }
                #expect(unconnected?.errno == Errno(rawValue: ENOTCONN))
            }
            try socket.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSocketThatIsClosedWhileItsReceiverIsFullSendsNoMore(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let peer = try RawDatagramPeer(.unixAbstract)
            let address = peer.address
            let expected = try fill(peer)
            let socket = try testSocket(AF_UNIX, .datagram)
            let task = loop.createTask { try await loop.sockSendTo(socket, "late", to: address) }
            try loop.settle()
            try socket.close()
            // The number is a transport's, as soon as it has come again.
            loop.own(socket)
            let error = #expect(throws: SocketError.self) { try loop.runUntilComplete(task) }
            #expect(error?.errno == .badFileDescriptor)
            loop.disown(socket)
            #expect(peer.receiveAll() == expected)
        }
    }

    /// Sends to a peer until it takes no more from anybody; returns what it has.
    private func fill(_ peer: RawDatagramPeer) throws -> [[UInt8]] {
        var sent: [[UInt8]] = []
        while true {
            // What one sender may have under way is limited too.
            let sender = try RawDatagramPeer(at: .unixUnnamed)
            let before = sent.count
            do {
                while true {
                    try sender.send(numbered(sent.count), to: peer.address)
                    sent.append(numbered(sent.count))
                }
            } catch {
                #expect(error as? Errno == .resourceTemporarilyUnavailable)
            }
            if sent.count == before { return sent }
        }
    }
}
