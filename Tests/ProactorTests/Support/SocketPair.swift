import Glibc
import SystemPackage

@testable import Proactor

/// Two stream sockets that are connected to each other, made without the library.
struct SocketPair {
    enum Kind: Sendable {
        case unix
        case tcp
    }

    let first: FileDescriptor
    let second: FileDescriptor

    init(_ kind: Kind) throws {
        try RealSockets.checkReach()
        switch kind {
        case .unix:
            var pair: [Int32] = [-1, -1]
            try Self.check(socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, &pair))
            first = FileDescriptor(rawValue: pair[0])
            second = FileDescriptor(rawValue: pair[1])
        case .tcp:
            let listener = try Self.check(socket(AF_INET, SOCK_STREAM_CLOEXEC, 0))
            defer { _ = Glibc.close(listener) }
            let port = try Self.bindToLoopback(listener)
            try Self.check(listen(listener, 1))
            second = try RawPeer.connectedDescriptor(port: port)
            first = FileDescriptor(rawValue: try Self.check(accept(listener, nil, nil)))
        }
    }

    /// Blocking or not, as `backend` needs it.
    init(_ kind: Kind, for backend: any CompletionBackend) throws {
        try self.init(kind)
        for socket in [first, second] { try backend.system.adopt(socket) }
    }

    /// Binds to a port of the kernel's choice and returns it.
    static func bindToLoopback(_ descriptor: Int32) throws -> UInt16 {
        var address = RawPeer.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try check(bind(descriptor, $0, length))
                try check(getsockname(descriptor, $0, &length))
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    @discardableResult
    static func check(_ result: Int32) throws -> Int32 {
        guard result >= 0 else { throw Errno(rawValue: errno) }
        return result
    }
}

let SOCK_STREAM_CLOEXEC = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
