import Foundation

@testable import loopbench

/// A UDP echo that drops each tenth datagram and answers each seventh twice, and may send back another one once.
final class LossyEcho: SimulatedTime {
    private let port: UInt16
    private let descriptor: Int32
    private(set) var count = 0
    private let spoils: Int
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// - Parameter spoils: the datagram that comes back changed.
    init(spoils: Int = 0) {
        self.spoils = spoils
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) | getsockname(descriptor, $0, &length)
            }
        }
        precondition(result == 0, "no socket: \(String(cString: strerror(errno)))")
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    func drive(_ workload: Workload, seconds: Double, warmUp: Double = 0) throws -> loopbench.Measurement {
        try drive(workload, at: .tcp(host: "127.0.0.1", port: port), seconds: seconds, warmUp: warmUp)
    }

    override func serve() {
        while echoOne() {}
    }

    /// False when there is no more.
    private func echoOne() -> Bool {
        var source = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &source) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let received = recvfrom(descriptor, &buffer, buffer.count, 0, address, &length)
                guard received > 0 else { return false }
                count += 1
                guard count % 10 != 0 else { return true }
                if count == spoils { buffer[received - 1] ^= 1 }
                for _ in 0..<(count % 7 == 0 ? 2 : 1) {
                    sendto(descriptor, buffer, received, 0, address, length)
                }
                return true
            }
        }
    }
}
