import Foundation

/// A UDP echo on a thread of its own that drops each tenth datagram and answers each seventh twice.
final class LossyEcho: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
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
        guard result == 0 else { throw POSIXError(.EADDRNOTAVAIL) }
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { Self.serve(descriptor) }
    }

    deinit {
        // Ends the thread's wait, and the thread closes.
        shutdown(descriptor, Int32(SHUT_RD))
    }

    private static func serve(_ descriptor: Int32) {
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var count = 0
        while true {
            var source = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            withUnsafeMutablePointer(to: &source) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    let received = recvfrom(descriptor, &buffer, buffer.count, 0, address, &length)
                    guard received > 0 else { return count = -1 }
                    count += 1
                    guard count % 10 != 0 else { return }
                    for _ in 0..<(count % 7 == 0 ? 2 : 1) {
                        sendto(descriptor, buffer, received, 0, address, length)
                    }
                }
            }
            if count < 0 { return }
        }
    }
}
