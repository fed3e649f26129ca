import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SockSendFileTests {
    // Behaviour 36
    @Test(arguments: LoopKind.allCases, [SocketPair.Kind.unix, .tcp])
    func aFileArrivesWhole(kind: LoopKind, socket: SocketPair.Kind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(2_000_001)
            let place = try TemporaryFile(bytes)
            let pair = try SocketPair(socket)
            let peer = RawPeer(pair.second)
            let task = loop.createTask {
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    #expect(try await loop.sockSendFile(pair.first, file, offset: 5) == 1_999_996)
                    #expect(file.position == 2_000_001)
                    #expect(try await loop.sockSendFile(pair.first, file, offset: 1, count: 2) == 2)
                    #expect(file.position == 3)
                }
            }
            try loop.rest {
                peer.read()
                return task.done && peer.received.count >= 1_999_998
            }
            try task.result()
            #expect(peer.received == Array(bytes[5...]) + Array(bytes[1..<3]))
            try pair.first.close()
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases, [false, true])
    func cancellingCountsEveryByte(kind: LoopKind, byFallback: Bool) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let bytes = patternBytes(3 << 20)
            let place = try TemporaryFile(bytes, length: 64 << 20)
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            if byFallback { backend.failures[.sendFile] = [.invalidArgument] }
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sockSendFile(pair.first, file, offset: 9) }
            try loop.rest {
                peer.read(limit: 50_000)
                return peer.received.count > 300_000
            }
            task.cancel()
            try loop.rest { task.done }
            #expect(task.cancelled)
            let sent = Int(file.position) - 9
            try pair.first.close()
            try loop.rest {
                peer.read()
                return peer.sawEnd
            }
            #expect(peer.received == Array(bytes[9..<9 + sent]))
            try loop.run { try await file.close() }
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func aPeerThatClosesLeavesTheNumberOfBytesSent(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let bytes = patternBytes(1 << 20)
            let place = try TemporaryFile(bytes, length: 64 << 20)
            let pair = try SocketPair(.unix)
            let peer = RawPeer(pair.second)
            let file = try loop.run { try await File.open(place.path, on: loop) }
            let task = loop.createTask { try await loop.sockSendFile(pair.first, file) }
            try loop.rest {
                peer.read(limit: 50_000)
                return peer.received.count > 300_000
            }
            peer.close()
            try loop.rest { task.done }
            let error = #expect(throws: SendFileError.self) { try task.result() }
            // A send that waits when the peer goes hears of the reset, and one that comes later of the broken pipe.
            let reasons: [Errno] = [.brokenPipe, .connectionReset]
            #expect(reasons.contains { error == .connectionLost($0, bytesSent: file.position) })
            #expect(file.position >= peer.received.count && file.position < 64 << 20)
            try pair.first.close()
            try loop.run { try await file.close() }
        }
    }

    // Behaviour 36
    @Test(arguments: LoopKind.allCases)
    func onlyStreamSocketsAreTaken(kind: LoopKind) async throws {
        try await kind.withFaultyLoop { loop, backend in
            let place = try TemporaryFile([1, 2, 3])
            let pair = try SocketPair(.unix)
            let datagrams = FileDescriptor(
                rawValue: try SocketPair.check(socket(AF_INET, SOCK_DGRAM_VALUE, 0))
            )
            let plain = try FileDescriptor.open(place.path, .readWrite)
            try loop.run {
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    await #expect(throws: EventLoopError.self) {
                        try await loop.sockSendFile(datagrams, file)
                    }
                    await #expect(throws: SocketError(.inspect, .notSocket)) {
                        try await loop.sockSendFile(plain, file)
                    }
                    backend.failures[.sendFile] = [.invalidArgument]
                    await #expect(throws: SendFileError.notAvailable(.invalidArgument)) {
                        try await loop.sockSendFile(pair.first, file, offset: 0, count: nil, fallback: false)
                    }
                }
            }
            for descriptor in [datagrams, plain, pair.first, pair.second] { try descriptor.close() }
        }
    }

    /// A ring gives up sends that make no progress; that is nobody else's matter.
    @Test(arguments: LoopKind.allCases)
    func theSocketsOwnTimeoutStays(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let place = try TemporaryFile(patternBytes(1000))
            let pair = try SocketPair(.unix)
            var timeout = timeval(tv_sec: 7, tv_usec: 500_000)
            var size = socklen_t(MemoryLayout<timeval>.size)
            try SocketPair.check(setsockopt(pair.first.rawValue, SOL_SOCKET, SO_SNDTIMEO, &timeout, size))
            try loop.run {
                try await File.withFile(place.path, on: loop) { (file) async throws in
                    try await loop.sockSendFile(pair.first, file)
                }
            }
            var found = timeval()
            try SocketPair.check(getsockopt(pair.first.rawValue, SOL_SOCKET, SO_SNDTIMEO, &found, &size))
            #expect(found.tv_sec == 7 && found.tv_usec == 500_000)
            try pair.first.close()
            try pair.second.close()
        }
    }
}

private let SOCK_DGRAM_VALUE = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
