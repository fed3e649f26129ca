import Foundation

/// A client that waits for each message, on a thread of its own.
struct EchoClient {
    var port: UInt16

    /// Sends so many messages of 64 bytes and awaits each; false when the connection ends early.
    func exchange(_ count: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return false }
        var message = [UInt8](repeating: 7, count: 64)
        for _ in 0..<count {
            guard send(descriptor, message, message.count, 0) == message.count,
                recv(descriptor, &message, message.count, Int32(MSG_WAITALL)) == message.count
            else { return false }
        }
        return true
    }
}
