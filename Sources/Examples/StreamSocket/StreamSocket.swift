import Glibc
import Proactor
import SystemPackage

/// Waits by streams for what comes to a socket of the program's own.
@main
struct StreamSocket {
    static func main() throws {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 else {
            throw Errno(rawValue: errno)
        }
        let (ours, theirs) = (FileDescriptor(rawValue: pair[0]), FileDescriptor(rawValue: pair[1]))
        try run {
            let loop = try getRunningLoop()
            let (reader, writer) = try await loop.openConnection(socket: ours)
            // As if it came from the network.
            try loop.callSoon { try theirs.writeAll("abc".utf8) }
            let data = try await reader.read(upTo: 100)
            print("Received: \(String(decoding: data, as: UTF8.self))")
            writer.close()
            try theirs.close()
        }
    }
}
