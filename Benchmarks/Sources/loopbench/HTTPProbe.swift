import Foundation

/// One request by hand, before wrk sends many: wrk looks at the status of an answer and not at what it says.
struct HTTPProbe {
    var host: String
    var port: UInt16

    private static let secondsMax = 5
    private static let bytesMax = 1 << 20

    /// Throws unless an answer with status 200 comes back that is as long as it says.
    func check() throws(WrkLoad.Problem) {
        let answer = try answer()
        guard answer.hasPrefix("HTTP/1.1 200 ") else {
            let line = answer.split(separator: "\r\n").first ?? ""
            throw WrkLoad.Problem(description: "asked for /, it answered '\(line)' and not 'HTTP/1.1 200 …'")
        }
        guard Self.missingBytes(of: answer) == 0 else {
            throw WrkLoad.Problem(description: "asked for /, it did not answer with as much as it announced")
        }
    }

    /// What comes back, until it is whole, or the server ends it or is too slow.
    private func answer() throws(WrkLoad.Problem) -> String {
        guard let descriptor = Probe.connected(to: .tcp(host: host, port: port)) else {
            throw WrkLoad.Problem(description: "it does not accept a connection")
        }
        defer { close(descriptor) }
        var timeout = timeval(tv_sec: Self.secondsMax, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let request = Array("GET / HTTP/1.1\r\nHost: \(host):\(port)\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw WrkLoad.Problem(description: "it does not take a request")
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while bytes.count < Self.bytesMax {
            let text = String(decoding: bytes, as: UTF8.self)
            if let missing = Self.missingBytes(of: text), missing <= 0 { return text }
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return text }
            bytes += piece.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// How much of the body has not come; nil when the head is not whole or does not say. Below zero, there is too much.
    static func missingBytes(of answer: String) -> Int? {
        guard let end = answer.range(of: "\r\n\r\n") else { return nil }
        let lengths = answer[..<end.lowerBound].split(separator: "\r\n").compactMap { line -> Int? in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { return nil }
            return Int(parts[1].trimmingCharacters(in: .whitespaces))
        }
        return lengths.first.map { $0 - answer[end.upperBound...].utf8.count }
    }
}
