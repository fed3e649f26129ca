import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// Addresses for one test alone, so that no other test listens at the same port of them.
enum TestAddress {
    static func own(_ test: UInt8, _ number: UInt8) -> IPv4Address {
        IPv4Address(rawValue: 0x7f58_0000 | UInt32(test) << 8 | UInt32(number))
    }
}

/// A protocol that keeps what it was told.
final class Witness: StreamProtocol {
    private(set) var transport: (any Transport)?
    private(set) var received: [UInt8] = []
    var onData: () -> Void = {}

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        data.withUnsafeBytes { received.append(contentsOf: $0) }
        onData()
    }
}

/// A listening socket whose queue of connections is full: the kernel answers no more of them.
struct FullListener {
    let listener: FileDescriptor
    let filler: FileDescriptor

    init(at address: SocketAddress) throws {
        listener = try testSocket(AF_INET)
        filler = try testSocket(AF_INET)
        try checkCall(try address.withKernelForm { bind(listener.rawValue, $0, $1) })
        try checkCall(listen(listener.rawValue, 0))
        try checkCall(try self.address.withKernelForm { connect(filler.rawValue, $0, $1) })
    }

    var address: SocketAddress {
        get throws { try LinuxSystemCalls(nonBlocking: false).localAddress(of: listener) }
    }

    func close() throws {
        try listener.close()
        try filler.close()
    }
}

func testSocket(_ family: Int32, _ type: SocketType = .stream) throws -> FileDescriptor {
    try RealSockets.checkReach()
    return FileDescriptor(
        rawValue: try checkCall(socket(family, type.rawValue | Int32(SOCK_CLOEXEC.rawValue), 0))
    )
}

@discardableResult
func checkCall(_ result: Int32) throws -> Int32 {
    guard result >= 0 else { throw Errno(rawValue: errno) }
    return result
}

extension Server {
    /// The address of its first socket.
    var address: SocketAddress {
        get throws { try #require(sockets.first).localAddress() }
    }

    var port: UInt16 {
        get throws { try #require(try address.port) }
    }
}
