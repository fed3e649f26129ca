import Glibc
import SystemPackage

@testable import Proactor

/// A selector backend on the real kernel, with the sockets and the memory that a test lends it.
final class SelectorHarness: BackendHarness<SelectorBackend> {
    init(_ kind: SelectorKind, calls: SocketCalls = SocketCalls()) throws {
        super.init(try SelectorBackend(kind: kind, calls: calls))
        try backend.start()
    }

    /// ``HighNumber/duplicate(_:at:)``
    func duplicate(_ descriptor: FileDescriptor, at index: Int32) throws -> FileDescriptor {
        try HighNumber.duplicate(descriptor, at: index)
    }

    /// Makes `duplicate` stand for the same as `descriptor` from here on.
    func replace(_ duplicate: FileDescriptor, by descriptor: FileDescriptor) throws {
        guard dup2(descriptor.rawValue, duplicate.rawValue) >= 0 else { throw Errno(rawValue: errno) }
    }

    /// Takes all that a peer has to read.
    func drain(_ socket: FileDescriptor) -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(socket.rawValue, &chunk, chunk.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return all }
            all += chunk[..<count]
        }
    }

    /// Submits sends until one has to wait; returns its token and how many bytes went before.
    func fill(_ socket: FileDescriptor, owner: CompletionRecorder) -> OperationToken {
        while true {
            let token = send([UInt8](repeating: 7, count: 65536), on: socket, owner: owner)
            backend.settle()
            if owner.finals.last?.token != token { return token }
        }
    }
}
