import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Unix datagrams and a receiver that is full: the kernel consumes what it then refuses.
@Suite struct SockUnixDatagramTests {
    @Test(arguments: SocketCase.all, [false, true])
    func aFullReceiverGetsEachDatagramOnce(flavour: SocketCase, isConnected: Bool) async throws {
        try await flavour.kind.withFaultyLoop { loop, backend in
            // However long it takes, the peer is not given up.
            backend.stopClock()
            let peer = try RawDatagramPeer(.unixAbstract)
            let address = peer.address
            var expected = try peer.fillUp()
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
                backend.advanceClock(by: .milliseconds(1))
                return task.done && received.count >= expected.count
            })
            try loop.runUntilComplete(task)
            try loop.settle()
            received += peer.receiveAll()
            #expect(received == expected)
            try socket.close()
        }
    }

    @Test(arguments: SocketCase.all)
    func aSlowPeerOfAPacketSocketGetsEachPacketOnce(flavour: SocketCase) async throws {
        try await flavour.kind.withLoop { loop in
            var descriptors: [Int32] = [-1, -1]
            let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
            try checkCall(socketpair(AF_UNIX, type, 0, &descriptors))
            let (socket, peer) = (
                FileDescriptor(rawValue: descriptors[0]), FileDescriptor(rawValue: descriptors[1])
            )
            try flavour.set(socket)
            let task = loop.createTask {
                for number in 0..<1000 { try await loop.sockSendAll(socket, numbered(number, size: 2000)) }
            }
            try loop.settle()
            #expect(!task.done)
            var received: [[UInt8]] = []
            var buffer = [UInt8](repeating: 0, count: 4000)
            try loop.turn(until: {
                let count = recv(peer.rawValue, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if count >= 0 { received.append(Array(buffer[..<count])) }
                return received.count == 1000
            })
            #expect(received == (0..<1000).map { numbered($0, size: 2000) })
            try loop.runUntilComplete(task)
            try socket.close()
            try peer.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aConnectedSocketWaitsWithoutAsking(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let peer = try RawDatagramPeer(.unixAbstract)
            let address = peer.address
            var expected = try peer.fillUp()
            let socket = try testSocket(AF_UNIX, .datagram)
            try checkCall(try address.withKernelForm { Glibc.connect(socket.rawValue, $0, $1) })
            var submitted: [OperationKind] = []
            backend.onSubmit = { submitted.append($0.kind) }
            let task = loop.createTask {
                try await loop.sockSendAll(socket, numbered(1))
                // Its wait cannot be had.
                backend.failures[.waitUntilWritable] = [.noMemory]
                let error = await expectError(SocketError.self) {
                    while true { try await loop.sockSendAll(socket, numbered(2)) }
                }
                #expect(error == SocketError(.send, .noMemory, address: address))
            }
            try loop.settle(turns: 50)
            #expect(submitted.filter { $0 != .sendNow } == [.waitUntilWritable])
            #expect(loop.timers.store.earliest == nil)
            expected.append(numbered(1))
            #expect(peer.receive() == expected[0])
            try loop.runUntilComplete(task)
            #expect(peer.receiveAll() == Array(expected[1...]))
            backend.onSubmit = nil
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

    @Test(arguments: LoopKind.allCases, [false, true])
    func aSocketThatIsClosedWhileItsReceiverIsFullSendsNoMore(kind: LoopKind, isConnected: Bool) async throws
    {
        try await kind.withFaultyLoop { loop, backend in
            backend.stopClock()
            let peer = try RawDatagramPeer(.unixAbstract)
            let address = peer.address
            let expected = try peer.fillUp()
            let socket = try testSocket(AF_UNIX, .datagram)
            if isConnected {
                try checkCall(try address.withKernelForm { Glibc.connect(socket.rawValue, $0, $1) })
            }
            let task = loop.createTask {
                guard isConnected else { return _ = try await loop.sockSendTo(socket, "late", to: address) }
                try await loop.sockSendAll(socket, "late")
            }
            try loop.settle()
            try socket.close()
            // The number is a transport's, as soon as it has come again.
            loop.own(socket)
            backend.advanceClock(by: .milliseconds(1))
            let error = #expect(throws: SocketError.self) { try loop.runUntilComplete(task) }
            #expect(error?.errno == .badFileDescriptor)
            loop.disown(socket)
            #expect(peer.receiveAll() == expected)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aTaskThatOnlySendsLetsTheOthersRun(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let peer = try RawDatagramPeer(.unixAbstract)
            let address = peer.address
            let socket = try testSocket(AF_UNIX, .datagram)
            var received: [[UInt8]] = []
            try loop.run {
                var hasRun = false
                try loop.callSoon { hasRun = true }
                for number in 0..<40 {
                    _ = try await loop.sockSendTo(socket, numbered(number), to: address)
                    received += peer.receiveAll()
                }
                #expect(hasRun)
            }
            #expect(received == (0..<40).map { numbered($0) })
            try socket.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aSocketThatIsSomebodyElsesWhenOthersHaveRunSendsNoMore(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let peer = try RawDatagramPeer(.unixAbstract)
            let address = peer.address
            let socket = try testSocket(AF_UNIX, .datagram)
            var received: [[UInt8]] = []
            let error = try loop.run {
                // As when it is closed, and its number has come again as a transport's.
                try loop.callSoon { loop.own(socket) }
                return await expectError(SocketError.self) {
                    for number in 0..<40 {
                        _ = try await loop.sockSendTo(socket, numbered(number), to: address)
                        received += peer.receiveAll()
                    }
                }
            }
            #expect(error?.errno == .badFileDescriptor)
            received += peer.receiveAll()
            // So many go out before the others run.
            #expect(received == (0..<16).map { numbered($0) })
            loop.disown(socket)
            try socket.close()
        }
    }
}
