// The code of the guide FirstServer.md, which a test holds against it.
import Proactor

final class CounterProtocol: StreamProtocol {
    private let counter: Counter
    private var transport: (any Transport)?
    private var rest: [UInt8] = []

    init(_ counter: Counter) { self.counter = counter }

    func connectionMade(_ transport: any Transport) throws {
        self.transport = transport
        try transport.setIdleTimeout(.seconds(60))
        transport.write("add NUMBER, show or quit\n")
    }

    func dataReceived(_ data: RawSpan) {
        rest.append(contentsOf: data)
        var start = 0
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            answer(String(decoding: rest[start..<end], as: UTF8.self))
            start = end + 1
        }
        rest.removeFirst(start)
        if rest.count > 1024 { transport?.close() }
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

final class Counter { var value = 0 }

@main
struct LineServer {
    static func main() {
        runMain {
            let counter = Counter()
            let server = try await getRunningLoop().createServer(host: "127.0.0.1", port: 8888) {
                CounterProtocol(counter)
            }
            try await server.serve(until: [.terminate, .interrupt], grace: .seconds(2))
        }
    }
}
