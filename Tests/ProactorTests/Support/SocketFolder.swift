import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A folder for the files of sockets, with a path that is short enough for them; gone with this object.
final class SocketFolder {
    let path = "/tmp/proactor-\(UUID().uuidString.prefix(13))"

    init() throws {
        try SocketPair.check(mkdir(path, 0o777))
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Where a file of this name stands, which need not be text.
    func path(_ name: [UInt8]) -> [UInt8] { Array(path.utf8) + [UInt8(ascii: "/")] + name }
    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// A socket of the test's own at this address.
    static func boundSocket(_ type: SocketType, at address: SocketAddress) throws -> FileDescriptor {
        let socket = try testSocket(AF_UNIX, type)
        try SocketPair.check(try address.withKernelForm { Glibc.bind(socket.rawValue, $0, $1) })
        return socket
    }
}

/// What a file permits; `nil` when there is none.
func permissions(ofFileAt path: String) -> UInt32? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}

func exists(_ path: String) -> Bool { permissions(ofFileAt: path) != nil }

extension BaseEventLoop {
    /// Echoes a word over a connection to a server.
    func exchange(at address: SocketAddress, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (transport, client) = try run {
            try await self.createConnection(ConnectionOptions(.unix(address))) { RecordingProtocol() }
        }
        transport.write("hello")
        try turn(until: { client.text == "hello" }, sourceLocation: sourceLocation)
        transport.close()
        try turn(until: { client.lostCount == 1 }, sourceLocation: sourceLocation)
    }

    /// Expects that what `body` does as a task is an invalid argument, whose text says why.
    func expectInvalidArgument(
        _ text: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: @escaping () async throws -> Void
    ) throws {
        try run { await expectInvalid(text, sourceLocation: sourceLocation, body) }
    }
}
