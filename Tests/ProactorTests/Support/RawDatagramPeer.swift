import Glibc
import SystemPackage

@testable import Proactor

/// A datagram socket that does what a test says and nothing by itself. It never waits.
final class RawDatagramPeer {
    let descriptor: Int32
    let address: SocketAddress
    private let system = LinuxSystemCalls(nonBlocking: true)

    /// Bound to an address; for UDP port 0 is any.
    init(at address: SocketAddress) throws {
        try RealSockets.checkReach()
        let socket = try system.makeSocket(address.family, .datagram)
        descriptor = socket.rawValue
        do {
            if address != .unixUnnamed { try system.bind(socket, to: address) }
            self.address = try system.localAddress(of: socket)
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    convenience init(_ family: DatagramFamily) throws {
        try self.init(at: family.address())
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    /// From here on only datagrams from `address` are let in; the others' senders are told that nobody listens.
    func connect(to address: SocketAddress) throws {
        let result = try address.withKernelForm { Glibc.connect(descriptor, $0, $1) }
        try SocketPair.check(result)
    }

    func send(_ bytes: [UInt8], to address: SocketAddress? = nil) throws {
        guard let address else {
            try SocketPair.check(Int32(Glibc.send(descriptor, bytes, bytes.count, 0)))
            return
        }
        let result = try address.withKernelForm { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
        try SocketPair.check(Int32(result))
    }

    /// The next datagram; `nil` when none is there.
    func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 300_000)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count >= 0 ? Array(buffer[..<count]) : nil
    }

    /// Others send to it until it takes no more from anybody; returns what it has.
    func fillUp() throws -> [[UInt8]] {
        var sent: [[UInt8]] = []
        while true {
            // What one sender may have under way is limited too.
            let sender = try RawDatagramPeer(at: .unixUnnamed)
            let before = sent.count
            do {
                while true {
                    try sender.send(numbered(sent.count), to: address)
                    sent.append(numbered(sent.count))
                }
            } catch Errno.resourceTemporarilyUnavailable {}
            if sent.count == before { return sent }
        }
    }

    /// All datagrams that are there.
    func receiveAll() -> [[UInt8]] {
        var all: [[UInt8]] = []
        while let datagram = receive() { all.append(datagram) }
        return all
    }
}
