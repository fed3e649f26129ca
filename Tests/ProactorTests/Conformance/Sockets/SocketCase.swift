import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// A loop and the kind of sockets that are used with it.
struct SocketCase: Sendable, CustomTestStringConvertible {
    let kind: LoopKind
    let nonBlocking: Bool

    static let all = LoopKind.allCases.flatMap { kind in
        [false, true].map { SocketCase(kind: kind, nonBlocking: $0) }
    }

    var testDescription: String { "\(kind), \(nonBlocking ? "non-blocking" : "blocking")" }

    /// Two connected stream sockets of this kind.
    func pair(_ pairKind: SocketPair.Kind = .unix) throws -> SocketPair {
        let pair = try SocketPair(pairKind)
        try set(pair.first)
        try set(pair.second)
        return pair
    }

    func set(_ socket: FileDescriptor) throws {
        guard nonBlocking else { return }
        try checkCall(fcntl(socket.rawValue, F_SETFL, fcntl(socket.rawValue, F_GETFL) | O_NONBLOCK))
    }

    func isNonBlocking(_ socket: FileDescriptor) -> Bool {
        fcntl(socket.rawValue, F_GETFL) & O_NONBLOCK != 0
    }
}

extension SocketPair {
    func close() throws {
        try first.close()
        try second.close()
    }
}

/// A TCP socket that listens on loopback.
func testListener() throws -> (socket: FileDescriptor, address: SocketAddress) {
    let socket = try testSocket(AF_INET)
    let port = try SocketPair.bindToLoopback(socket.rawValue)
    try checkCall(listen(socket.rawValue, 16))
    return (socket, .ipv4(.loopback, port: port))
}

func isOpen(_ descriptor: FileDescriptor) -> Bool { fcntl(descriptor.rawValue, F_GETFD) >= 0 }

extension BaseEventLoop {
    /// Turns until what a task does is in the backend.
    func turnUntilWaiting(operations: Int = 1) throws {
        try turn(until: { backend.operationCount >= operations })
        // Beyond the first attempt of whatever it is.
        for _ in 0..<3 { try turn() }
    }
}
