import Proactor
import ProactorTesting

extension Scenario {
    /// Too little memory, now and then, for whatever is made, sent, received or waited for. Connections and datagrams are lost by
    /// it, each with its error; the loops and servers go on, and who tries again gets through.
    static let scarcity: Scenario = {
        var faults = SimulationFaults.all
        faults[.memoryShortage] = 0.02
        faults[.resourceShortage] = 0.02
        return Scenario("scarcity", faults: faults) { simulation, book in
            let server = try simulation.host("server")
            server.start {
                let loop = try getRunningLoop()
                loop.setExceptionHandler { _, _ in }
                let server = try await retrying {
                    try await loop.createServer(host: "0.0.0.0", port: 7) { PrefixEcho("server", book) }
                }
                try await server.serveForever()
            }
            server.start { try await receiveDatagrams(book) }
            var done = 0
            for number in 0..<3 {
                let size = 1 + simulation.choice(below: 40_000)
                try simulation.host("client\(number)").start {
                    try await insist(number, size, book)
                    done += 1
                }
            }
            try simulation.host("pinger").start {
                try await ping(book)
                done += 1
            }
            try simulation.run(until: { done == 4 }, within: .seconds(36_000))
            try simulation.run(for: .seconds(5))
            try simulation.finish()
        }
    }()

    /// Tries again until all comes back.
    nonisolated(nonsending) private static func insist(_ number: Int, _ size: Int, _ book: Book) async throws
    {
        let loop = try getRunningLoop()
        while true {
            let (reader, writer) = try await retrying {
                try await loop.openConnection(host: "10.0.0.1", port: 7, family: .ipv4)
            }
            defer { writer.close() }
            do {
                var stream = ByteStream(1)
                let content = stream.next(size)
                writer.write(content)
                try await writer.drain()
                let echo = try await reader.readExactly(size)
                book.expect(echo == content, "client \(number): something else came back")
                return
            } catch is SocketError {
                // For want of memory, here or there.
            } catch let error as IncompleteReadError {
                var stream = ByteStream(1)
                book.expect(stream.takes(error.partial), "client \(number): not the beginning came back")
            }
            try await sleep(for: .milliseconds(5))
        }
    }

    nonisolated(nonsending) private static func receiveDatagrams(_ book: Book) async throws {
        let loop = try getRunningLoop()
        loop.setExceptionHandler { _, _ in }
        let endpoint = try await retrying {
            try await loop.createDatagramEndpoint(localAddress: ("0.0.0.0", 53)) { ScarceEndpoint(book) }
        }
        try await sleep(for: .seconds(1_000_000))
        endpoint.transport.close()
    }

    /// Sends until something comes back.
    nonisolated(nonsending) private static func ping(_ book: Book) async throws {
        let loop = try getRunningLoop()
        let made = try await retrying {
            try await loop.createDatagramEndpoint(remoteAddress: ("10.0.0.1", 53)) { ScarceEndpoint(book) }
        }
        var number: UInt8 = 0
        while made.protocol.receivedCount < 5 {
            try made.transport.sendTo([number])
            number &+= 1
            try await sleep(for: .milliseconds(3))
        }
        made.transport.close()
    }
}

/// Sends back what comes to it from somebody who waits for that, and takes note of what is wrong.
private final class ScarceEndpoint: DatagramProtocol {
    private let book: Book
    private var transport: (any DatagramTransport)?
    private var isMade = false
    private var lostCount = 0
    private(set) var receivedCount = 0

    init(_ book: Book) {
        self.book = book
        book.owe("an endpoint is lost once") { [weak self] in
            self.map { !$0.isMade || $0.lostCount == 1 } ?? true
        }
    }

    func connectionMade(_ transport: any DatagramTransport) throws {
        isMade = true
        self.transport = transport
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        book.expect(lostCount == 0, "a datagram after the end")
        book.expect(data.byteCount == 1, "a datagram of \(data.byteCount) bytes")
        receivedCount += 1
        // The one that was made without a remote address answers.
        if source.port != 53 { try transport?.sendTo(data, source) }
    }

    func errorReceived(_ error: SocketError) {
        let known = [.connectionRefused, .noMemory, .noBufferSpace].contains(error.errno)
        book.expect(known, "an error of another kind: \(error)")
    }

    func connectionLost(_ error: (any Error)?) {
        lostCount += 1
        transport = nil
    }
}
