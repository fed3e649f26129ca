// The code of the guide StreamsAndBackPressure.md, which a test holds against it.
import Proactor

nonisolated(nonsending) func ask(_ loop: any AbstractEventLoop) async throws {
    let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: 9000)
    writer.write("What time is it?\n")
    let answer = try await reader.readLine()
    print(String(decoding: answer, as: UTF8.self))
    writer.close()
    try await writer.waitClosed()
}

nonisolated(nonsending) func askInAScope(_ loop: any AbstractEventLoop) async throws {
    let answer = try await loop.withConnection(host: "127.0.0.1", port: 9000) { reader, writer in
        writer.write("What time is it?\n")
        return try await reader.readLine()
    }
    print(String(decoding: answer, as: UTF8.self))
}

nonisolated(nonsending) func serveLines(_ loop: any AbstractEventLoop) async throws {
    let server = try await loop.startServer(host: "127.0.0.1", port: 9000) { reader, writer in
        for try await line in reader.lines {
            writer.write("You said: ")
            writer.write(line)
            try await writer.drain()
        }
        writer.close()
    }
    try await server.serveForever()
}

/// Messages of a length, two bytes, and as many bytes of content.
nonisolated(nonsending) func sumOfMessages(_ reader: StreamReader) async throws -> Int {
    var sum = 0
    while true {
        let length: Int
        do {
            length = try await reader.readExactly(2) { header in
                Int(header.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt16.self).bigEndian)
            }
        } catch let end as IncompleteReadError where end.partial.isEmpty {
            return sum  // a clean end, between two messages
        }
        sum += try await reader.readExactly(length) { content in
            content.withUnsafeBytes { bytes in bytes.reduce(0) { $0 + Int($1) } }
        }
    }
}

nonisolated(nonsending) func sendMuch(_ chunks: [[UInt8]], by writer: StreamWriter) async throws {
    for chunk in chunks {
        writer.write(chunk)
        try await writer.drain()
    }
}

nonisolated(nonsending) func skipLongLines(_ reader: StreamReader) async throws -> [[UInt8]] {
    var lines: [[UInt8]] = []
    while true {
        do {
            let line = try await reader.readUntil("\r\n")
            lines.append(line)
        } catch let error as LimitOverrunError {
            _ = try await reader.readExactly(error.consumed) { _ in }
        } catch is IncompleteReadError {
            return lines
        }
    }
}

nonisolated(nonsending) func readWhatATestFeeds() async throws -> [UInt8] {
    let reader = try StreamReader()
    reader.feedData("GET / HTTP/1.1\r\n")
    reader.feedEOF()
    return try await reader.readUntil("\r\n")
}
