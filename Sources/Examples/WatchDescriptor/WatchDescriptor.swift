import Glibc
import Proactor
import SystemPackage

/// Watches a descriptor with `addReader` until something can be read, and reads it.
@main
struct WatchDescriptor {
    static func main() throws {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else {
            throw Errno(rawValue: errno)
        }
        let (reading, writing) = (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
        let loop = try EventLoop()
        defer { try? loop.close() }
        try loop.addReader(reading) {
            var bytes = [UInt8](repeating: 0, count: 100)
            let count = try bytes.withUnsafeMutableBytes { try reading.read(into: $0) }
            print("Received: \(String(decoding: bytes[..<count], as: UTF8.self))")
            // Enough: watch it no longer, and end.
            try loop.removeReader(reading)
            loop.stop()
        }
        // What would come from the network.
        try loop.callSoon { _ = try writing.writeAll(Array("abc".utf8)) }
        try loop.runForever()
        try reading.close()
        try writing.close()
    }
}
