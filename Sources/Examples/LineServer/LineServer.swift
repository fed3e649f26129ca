import Glibc
import Proactor

/// A protocol of lines: a counter that all clients share. `add 3`, `show` and `quit` are its commands.
final class CounterProtocol: StreamProtocol {
    private static let longestLine = 1024

    private let counter: Counter
    private var transport: (any Transport)?
    /// What came and is no whole line yet.
    private var rest: [UInt8] = []

    init(_ counter: Counter) {
        self.counter = counter
    }

    func connectionMade(_ transport: any Transport) throws {
        self.transport = transport
        try transport.setIdleTimeout(.seconds(60))
        transport.write("add NUMBER, show or quit\n")
    }

    func dataReceived(_ data: RawSpan) {
        // The bytes are lent for this call: a copy is what can be kept. They may be half a line, or many lines.
        rest.append(contentsOf: data)
        var start = 0
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            answer(String(decoding: rest[start..<end], as: UTF8.self))
            start = end + 1
        }
        rest.removeFirst(start)
        guard rest.count > Self.longestLine else { return }
        transport?.write("a line has \(Self.longestLine) bytes at most\n")
        transport?.close()
    }

    private func answer(_ line: String) {
        let words = line.split { $0 == " " || $0 == "\r" }
        switch (words.first, words.dropFirst().first.flatMap { Int($0) }) {
        case ("add", let number?):
            counter.value &+= number
            transport?.write("ok\n")
        case ("show", _): transport?.write("\(counter.value)\n")
        case ("quit", _): transport?.close()
        default: transport?.write("what is that?\n")
        }
    }
}

/// What the connections share. All of them live on the loop's thread, so it needs no lock.
final class Counter {
    var value = 0
}

/// Serves at 127.0.0.1, at port 8888 or the one that is given, until SIGTERM or SIGINT comes. Clients have two seconds then.
@main
struct LineServer {
    static func main() {
        let port = CommandLine.arguments.dropFirst().first.flatMap { UInt16($0) } ?? 8888
        runMain {
            let counter = Counter()
            let server = try await getRunningLoop().createServer(host: "127.0.0.1", port: port) {
                CounterProtocol(counter)
            }
            for socket in server.sockets { say("Serving on \(try socket.localAddress())") }
            let summary = try await server.serve(until: [.terminate, .interrupt], grace: .seconds(2))
            say("The end: \(summary)")
        }
    }
}

/// Prints a line, also when nobody sits at the other end.
func say(_ line: String) {
    print(line)
    fflush(nil)
}
