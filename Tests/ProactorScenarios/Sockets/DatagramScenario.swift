import Proactor
import ProactorTesting

extension Scenario {
    /// UDP: what comes is whole and was sent, and an endpoint at which nobody listens hears of it. Unix datagrams: all of them,
    /// in order.
    static let datagrams = Scenario("datagrams") { simulation, book in
        let server = try simulation.host("server")
        server.start {
            let endpoint = try await getRunningLoop().createDatagramEndpoint(localAddress: ("0.0.0.0", 53)) {
                DatagramEcho(book)
            }
            try await sleep(for: .seconds(3_000))
            endpoint.transport.close()
        }
        let client = try simulation.host("client")
        let sizes = (0..<40).map { _ in simulation.choice(below: 1_400) }
        let highMark = simulation.choice(below: 3_000)
        client.start {
            let loop = try getRunningLoop()
            let made = try await loop.createDatagramEndpoint(remoteAddress: ("10.0.0.1", 53)) {
                DatagramClient(sizes, book)
            }
            try made.transport.setWriteBufferLimits(high: highMark, low: nil)
            for index in sizes.indices {
                try made.transport.sendTo(made.protocol.message(index))
                if index % 7 == 0 { try await sleep(for: .milliseconds(1)) }
            }
            try await sleep(for: .seconds(1))
            made.transport.close()
        }
        let local = try simulation.host("local")
        startUnixDatagrams(local, count: 30 + simulation.choice(below: 50), highMark: highMark / 10, book)
        try simulation.run(for: .seconds(10))
        try simulation.finish()
    }

    private static func startUnixDatagrams(_ host: SimulatedHost, count: Int, highMark: Int, _ book: Book) {
        let receiver = OrderedReceiver(count, book)
        host.start {
            _ = try await getRunningLoop().createUnixDatagramEndpoint(
                localAddress: .unix(path: "/run/in.sock")
            ) { receiver }
        }
        host.start {
            let loop = try getRunningLoop()
            try await sleep(for: .milliseconds(5))
            let made = try await loop.createUnixDatagramEndpoint(remoteAddress: .unix(path: "/run/in.sock")) {
                DatagramSender(book)
            }
            try made.transport.setWriteBufferLimits(high: highMark, low: nil)
            for number in 0..<count { try made.transport.sendTo([UInt8(number)]) }
            made.transport.close()
        }
    }
}

/// Sends datagrams back, checked for what they are made of.
final class DatagramEcho: DatagramProtocol {
    private let book: Book
    private var transport: (any DatagramTransport)?

    init(_ book: Book) {
        self.book = book
    }

    func connectionMade(_ transport: any DatagramTransport) throws { self.transport = transport }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        book.expect(source.host != nil, "a datagram from nowhere")
        try transport?.sendTo(data, source)
    }

    func connectionLost(_ error: (any Error)?) { transport = nil }
}

final class DatagramClient: DatagramProtocol {
    private let sizes: [Int]
    private let book: Book
    private var lostCount = 0
    private var pauses: PauseCheck

    init(_ sizes: [Int], _ book: Book) {
        pauses = PauseCheck("the client", book)
        self.sizes = sizes
        self.book = book
        book.owe("the endpoint is lost once") { [weak self] in self?.lostCount == 1 || self == nil }
    }

    func message(_ index: Int) -> [UInt8] {
        [UInt8(index)] + Array(repeating: UInt8(truncatingIfNeeded: index &* 37), count: sizes[index])
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        book.expect(lostCount == 0, "a datagram after the end")
        let bytes = data.withUnsafeBytes { Array($0) }
        let index = bytes.first.map { Int($0) } ?? .max
        guard index < sizes.count else { return book.complain("a datagram that nobody has sent") }
        book.expect(bytes == message(index), "datagram \(index) came back changed, as \(bytes.count) bytes")
    }

    func errorReceived(_ error: SocketError) {
        // Nobody listens there at first.
        book.expect(error.errno == .connectionRefused, "an error of another kind: \(error)")
    }

    func connectionLost(_ error: (any Error)?) { lostCount += 1 }
    func pauseWriting() { pauses.pause() }
    func resumeWriting() { pauses.resume() }
}

/// Takes datagrams that must come one after the other.
final class OrderedReceiver: DatagramProtocol {
    private let book: Book
    private var next = 0

    init(_ count: Int, _ book: Book) {
        self.book = book
        book.owe("\(count) Unix datagrams arrive") { [weak self] in self?.next == count || self == nil }
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {
        let number = data.withUnsafeBytes { $0.first.map { Int($0) } } ?? -1
        book.expect(number == next, "Unix datagram \(number) in the place of \(next)")
        next = number + 1
    }
}

final class DatagramSender: DatagramProtocol {
    private var pauses: PauseCheck

    init(_ book: Book) {
        pauses = PauseCheck("the sender of Unix datagrams", book)
    }

    func datagramReceived(_ data: RawSpan, from source: SocketAddress) throws {}
    func pauseWriting() { pauses.pause() }
    func resumeWriting() { pauses.resume() }
}

/// Sees to it that pauses and resumptions take turns.
struct PauseCheck {
    private let name: String
    private let book: Book
    private var isPaused = false

    init(_ name: String, _ book: Book) {
        self.name = name
        self.book = book
    }

    mutating func pause() {
        book.expect(!isPaused, "\(name) was paused twice")
        isPaused = true
    }

    mutating func resume() {
        book.expect(isPaused, "\(name) was resumed without a pause")
        isPaused = false
    }
}
