import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// The file of a Unix socket: whose it is, where it stands, what it permits, and who comes by it.
@Suite struct UnixSocketFileTests {
    // MARK: - Whose it is

    // Behaviour 21
    @Test(arguments: LoopKind.allCases)
    func aServerThatIsAliveKeepsItsPath(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress.unix(path: folder.path("socket"))
            for isServing in [true, false] {
                var options = ServerOptions(.unix(address))
                options.startServing = isServing
                let first = try loop.serve(options) { RecordingProtocol.echo() }
                let error = #expect(throws: SocketError.self) {
                    try loop.serve(ServerOptions(.unix(address))) { RecordingProtocol() }
                }
                #expect(error == SocketError(.bind, .addressInUse, address: address))
                let other = #expect(throws: SocketError.self) {
                    try loop.openEndpoint(RecordingDatagramProtocol(), at: address)
                }
                #expect(other == SocketError(.bind, .addressInUse, address: address))
                try first.startServing()
                try loop.exchange(at: address)
                first.close()
            }
        }
    }

    /// What looks after it does not come in its queue, full or not.
    @Test(arguments: LoopKind.allCases)
    func aFullServerIsAliveAndDoesNotHearOfTheQuestion(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress.unix(path: folder.path("socket"))
            let listener = try SocketFolder.boundSocket(.stream, at: address)
            try SocketPair.check(listen(listener.rawValue, 0))
            for isFull in [false, true] {
                let filler = try testSocket(AF_UNIX)
                if isFull {
                    try SocketPair.check(try address.withKernelForm { connect(filler.rawValue, $0, $1) })
                }
                let error = #expect(throws: SocketError.self) {
                    try loop.serve(ServerOptions(.unix(address))) { RecordingProtocol() }
                }
                #expect(error?.errno == .addressInUse)
                var interest = pollfd(fd: listener.rawValue, events: Int16(POLLIN), revents: 0)
                #expect(poll(&interest, 1, 0) == (isFull ? 1 : 0))
                try filler.close()
            }
            try listener.close()
        }
    }

    // Behaviour 21
    @Test(arguments: LoopKind.allCases)
    func anEndpointThatIsAliveKeepsItsPath(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress.unix(path: folder.path("socket"))
            let recorder = RecordingDatagramProtocol()
            let first = try loop.openEndpoint(recorder, at: address)
            let error = #expect(throws: SocketError.self) {
                try loop.openEndpoint(RecordingDatagramProtocol(), at: address)
            }
            #expect(error == SocketError(.bind, .addressInUse, address: address))
            let other = #expect(throws: SocketError.self) {
                try loop.serve(ServerOptions(.unix(address))) { RecordingProtocol() }
            }
            #expect(other == SocketError(.bind, .addressInUse, address: address))
            try RawDatagramPeer(.unixAbstract).send([1], to: address)
            try loop.turn { recorder.received == [[1]] }
            try loop.finish(first)
        }
    }

    /// The end of a server or an endpoint takes a turn or two, and who comes next does not have to know.
    @Test(arguments: LoopKind.allCases)
    func aPathIsFreeAsSoonAsItsServerWasClosed(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress.unix(path: folder.path("socket"))
            try loop.run {
                for _ in 0..<3 {
                    var options = ServerOptions(.unix(address))
                    options.cleanupSocket = false
                    let server = try await loop.createServer(options) { RecordingProtocol() }
                    server.close()
                }
                for _ in 0..<3 {
                    let (transport, _) = try await loop.createUnixDatagramEndpoint(localAddress: address) {
                        RecordingDatagramProtocol()
                    }
                    transport.close()
                }
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatFailsAfterTheBindLeavesNoFile(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let address = SocketAddress.unix(path: folder.path("socket"))
            let error = #expect(throws: SocketError.self) {
                try loop.openEndpoint(
                    RecordingDatagramProtocol(),
                    at: address,
                    to: .unix(path: folder.path("nobody"))
                )
            }
            #expect(error?.operation == .connect)
            #expect(!exists(folder.path("socket")))
        }
    }

    // MARK: - Where it stands

    /// Who may write to a folder on the way can put another in its place.
    @Test(arguments: LoopKind.allCases, [false, true])
    func theFileIsRemovedWhereItWasMade(kind: LoopKind, isGiven: Bool) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            try SocketPair.check(mkdir(folder.path("own"), 0o700))
            try SocketPair.check(mkdir(folder.path("foreign"), 0o700))
            let address = SocketAddress.unix(path: folder.path("own/socket"))
            var options = ServerOptions(.unix(address))
            if isGiven { options.endpoint = .socket(try SocketFolder.boundSocket(.stream, at: address)) }
            let server = try loop.serve(options) { RecordingProtocol() }
            try SocketPair.check(rename(folder.path("own"), folder.path("moved")))
            try SocketPair.check(symlink(folder.path("foreign"), folder.path("own")))
            // The same file, by another name, in a folder that is not the server's.
            try SocketPair.check(link(folder.path("moved/socket"), folder.path("foreign/socket")))
            server.close()
            #expect(exists(folder.path("foreign/socket")))
            #expect(!exists(folder.path("moved/socket")))
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aServerKeepsNoFolderOpenForLonger(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            for cleanup in [true, false] {
                var options = ServerOptions(.unix(.unix(path: folder.path("socket"))))
                options.cleanupSocket = cleanup
                let server = try loop.serve(options) { RecordingProtocol() }
                #expect(openFolders(at: folder.path) == (cleanup ? 1 : 0))
                server.close()
                #expect(openFolders(at: folder.path) == 0)
                try loop.settle(turns: 3)
            }
            let (transport, _) = try loop.run {
                try await loop.createUnixDatagramEndpoint(localAddress: .unix(path: folder.path("other"))) {
                    RecordingDatagramProtocol()
                }
            }
            #expect(openFolders(at: folder.path) == 0)
            try loop.finish(transport)
        }
    }

    /// How many descriptors of this process stand for a folder. None but the test's own loop opens it.
    private func openFolders(at path: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.count {
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
        }
    }

    // MARK: - What it permits

    @Test(arguments: LoopKind.allCases, [0o600, 0o660, 0o666, 0o777, 0])
    func theFilePermitsWhatItShall(kind: LoopKind, mode: CModeT) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let permitted = FilePermissions(rawValue: mode)
            let server = try loop.run {
                try await loop.createUnixServer(
                    path: folder.path("stream"),
                    permissions: permitted,
                    startServing: false
                ) { RecordingProtocol.echo() }
            }
            #expect(permissions(ofFileAt: folder.path("stream")) == UInt32(mode))
            let (endpoint, _) = try loop.run {
                try await loop.createUnixDatagramEndpoint(
                    localAddress: .unix(path: folder.path("datagrams")),
                    permissions: permitted
                ) { RecordingDatagramProtocol() }
            }
            #expect(permissions(ofFileAt: folder.path("datagrams")) == UInt32(mode))
            server.close()
            #expect(!exists(folder.path("stream")))
            try loop.finish(endpoint)
        }
    }

    /// From the file's first moment on: the bind itself makes it so, and what follows only adds what the mask has taken.
    @Test func theBindItselfNeverPermitsMore() throws {
        let folder = try SocketFolder()
        let system = LinuxSystemCalls(nonBlocking: false)
        let socket = try system.makeSocket(.unix, .stream)
        try system.unixSockets.setPermissions([.ownerRead], ofUnbound: socket)
        try system.bind(socket, to: .unix(path: folder.path("socket")))
        #expect(permissions(ofFileAt: folder.path("socket")) == 0o400)
        let place = try #require(try SocketPlace(Array(folder.path("socket").utf8), by: system))
        let file = try #require(try place.file(of: socket))
        try place.setPermissions([.ownerReadWrite, .otherReadWrite], of: file)
        #expect(permissions(ofFileAt: folder.path("socket")) == 0o606)
        // Another file at the name is left as it is.
        var other = file
        other.inode += 1
        #expect(throws: Errno.staleNFSFileHandle) { try place.setPermissions([], of: other) }
        #expect(throws: Errno.staleNFSFileHandle) { try place.remove(other) }
        #expect(permissions(ofFileAt: folder.path("socket")) == 0o606)
        place.close()
        try socket.close()
    }

    // MARK: - Who comes by it

    @Test(arguments: LoopKind.allCases)
    func theKernelTellsWhoThePeerIs(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let folder = try SocketFolder()
            let own = PeerCredentials(processID: getpid(), userID: geteuid(), groupID: getegid())
            var accepted: [PeerCredentials?] = []
            let server = try loop.run {
                try await loop.createUnixServer(path: folder.path("socket")) {
                    let recorder = RecordingProtocol()
                    recorder.onMade = { transport in
                        accepted.append(transport.extraInfo(.peerCredentials))
                        let handle = transport.extraInfo(.socket)
                        accepted.append(try handle?.peerCredentials())
                    }
                    return recorder
                }
            }
            let (transport, client) = try loop.run {
                try await loop.createUnixConnection(path: folder.path("socket")) { RecordingProtocol() }
            }
            #expect(transport.extraInfo(.peerCredentials) == own)
            try loop.turn { accepted.count == 2 }
            #expect(accepted == [own, own])
            transport.abort()
            try loop.turn { client.lostCount == 1 && loop.openTransports.count == 0 }
            // The number may be another socket's by now.
            #expect(transport.extraInfo(.peerCredentials) == nil)
            server.close()

            let (overTCP, peer) = try loop.connect(RecordingProtocol(), over: .tcp)
            #expect(overTCP.extraInfo(.peerCredentials) == nil)
            try loop.finish(overTCP, peer)
            let endpoint = try loop.openEndpoint(
                RecordingDatagramProtocol(),
                at: DatagramFamily.unixAbstract.address()
            )
            #expect(endpoint.extraInfo(.peerCredentials) == nil)
            try loop.finish(endpoint)
        }
    }
}
