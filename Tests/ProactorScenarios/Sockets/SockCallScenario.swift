import Proactor
import ProactorTesting
import SystemPackage

extension Scenario {
    /// The `sock` calls over TCP and Unix datagrams, many of them cut by time-outs: what was accepted, received or sent at the
    /// same moment is not lost, and what was not stays for the next call.
    static let sockCalls = Scenario("sockCalls") { simulation, book in
        let server = try simulation.host("server")
        let patience = Duration.microseconds(20 + simulation.choice(below: 2_000))
        server.start { try await SockServer(book, patience).serve(port: 7) }
        var done = 0
        let clients = 1 + simulation.choice(below: 3)
        for number in 0..<clients {
            let client = try simulation.host("client\(number)")
            let total = 1 + simulation.choice(below: 120_000)
            let pieceMax = 1 + simulation.choice(below: 20_000)
            client.start {
                try await SockClient(number, total, pieceMax, patience, book).talk(host: "server", port: 7)
                done += 1
            }
        }
        let local = try simulation.host("local")
        let count = 10 + simulation.choice(below: 40)
        local.start { try await receiveInOrder(count, patience, book) }
        local.start {
            try await sendInOrder(count, patience)
            done += 1
        }
        try simulation.run(until: { done == clients + 1 }, within: .seconds(3_600))
        try simulation.run(for: .seconds(1))
        for name in ["server", "local"] + (0..<clients).map({ "client\($0)" }) {
            let left = try simulation.host(named: name).openDescriptorCount
            // Its listener, or its endpoint, goes with its task; what a backend has besides is not counted.
            let kept = name == "server" ? 1 : 0
            book.expect(left == kept, "\(name) has \(left) descriptors open and not \(kept)")
        }
        try simulation.finish()
    }

    nonisolated(nonsending) private static func receiveInOrder(
        _ count: Int,
        _ patience: Duration,
        _ book: Book
    ) async throws {
        let loop = try getRunningLoop()
        let patience = Patience(patience)
        let socket = try loop.simulatedCalls.makeSocket(.unix, .datagram, protocolNumber: 0)
        try loop.simulatedCalls.bind(socket, to: .unix(path: "/run/in.sock"))
        var next = 0
        while next < count {
            let received = try await patience.wait { try await loop.sockRecvFrom(socket, upTo: 100) }
            guard let received else { continue }
            book.expect(
                received.bytes == Array(repeating: UInt8(next), count: next + 1),
                "a datagram of \(received.bytes.count) bytes in the place of number \(next)"
            )
            next += 1
        }
        try loop.simulatedCalls.close(socket)
    }

    nonisolated(nonsending) private static func sendInOrder(_ count: Int, _ patience: Duration) async throws {
        let loop = try getRunningLoop()
        try await sleep(for: .milliseconds(5))
        let patience = Patience(patience)
        let socket = try loop.simulatedCalls.makeSocket(.unix, .datagram, protocolNumber: 0)
        for number in 0..<count {
            let datagram = Array(repeating: UInt8(number), count: number + 1)
            while true {
                let sent = try await patience.wait {
                    try await loop.sockSendTo(socket, datagram.span.bytes, to: .unix(path: "/run/in.sock"))
                }
                if sent == datagram.count { break }
            }
        }
        try loop.simulatedCalls.close(socket)
    }
}

/// Cuts calls by time-outs: the next one has twice the time when one has come to nothing.
private final class Patience {
    private let first: Duration
    private var next: Duration

    init(_ first: Duration) {
        self.first = first
        next = first
    }

    /// Takes what a call brings within its time; `nil` when that was too short for it.
    ///
    /// A call that ends at the moment of its cancellation has its result all the same.
    nonisolated(nonsending) func wait<Value>(
        _ call: nonisolated(nonsending) () async throws -> Value
    ) async throws -> Value? {
        var value: Value?
        do {
            try await timeout(next) { _ in value = try await call() }
        } catch is TimeoutError {
            // Whether it has a value says what became of it.
        }
        next = value == nil ? next * 2 : first
        return value
    }
}

extension AbstractEventLoop {
    /// The calls of the kernel that it runs on: scenarios make their sockets by them.
    var simulatedCalls: any SystemCalls {
        guard let loop = self as? BaseEventLoop else {
            preconditionFailure("a simulated loop is the library's")
        }
        return loop.backend.system
    }
}

/// Accepts, and sends back what comes until the end of the stream.
private final class SockServer {
    private let book: Book
    private let patience: Duration

    init(_ book: Book, _ patience: Duration) {
        self.book = book
        self.patience = patience
    }

    nonisolated(nonsending) func serve(port: UInt16) async throws {
        let loop = try getRunningLoop()
        let patience = Patience(patience)
        let listener = try loop.simulatedCalls.makeSocket(.ipv4, .stream, protocolNumber: 0)
        defer { try? loop.simulatedCalls.close(listener) }
        try loop.simulatedCalls.bind(listener, to: .ipv4(.any, port: port))
        try loop.simulatedCalls.listen(listener, backlog: 8)
        while true {
            let accepted = try await patience.wait { try await loop.sockAccept(listener) }
            guard let accepted else { continue }
            book.expect(accepted.address.host != nil, "a connection from \(accepted.address)")
            loop.createTask { try await self.echo(accepted.socket) }
        }
    }

    nonisolated(nonsending) private func echo(_ socket: FileDescriptor) async throws {
        let loop = try getRunningLoop()
        let patience = Patience(patience)
        while true {
            let piece = try await patience.wait { try await loop.sockRecv(socket, upTo: 7_000) }
            guard let piece else { continue }
            if piece.isEmpty { break }
            try await loop.sockSendAll(socket, piece.span.bytes)
        }
        try loop.simulatedCalls.shutdownWriting(socket)
        try loop.simulatedCalls.close(socket)
    }
}

/// Sends a stream in pieces while another of its tasks receives what comes back.
private final class SockClient {
    private let number: Int
    private let total: Int
    private let pieceMax: Int
    private let patience: Duration
    private let book: Book

    init(_ number: Int, _ total: Int, _ pieceMax: Int, _ patience: Duration, _ book: Book) {
        self.number = number
        self.total = total
        self.pieceMax = pieceMax
        self.patience = patience
        self.book = book
    }

    nonisolated(nonsending) func talk(host: String, port: UInt16) async throws {
        let loop = try getRunningLoop()
        let socket = try await connect(loop, host, port)
        let sending = loop.createTask { try await self.send(socket) }
        let patience = Patience(patience)
        var expected = ByteStream(number + 30)
        var room = [UInt8](repeating: 0, count: 9_000)
        while true {
            let count = try await patience.wait {
                var span = room.mutableSpan
                var memory = span.mutableBytes
                return try await loop.sockRecvInto(socket, &memory)
            }
            guard let count else { continue }
            if count == 0 { break }
            book.expect(
                expected.takes(Array(room[..<count])),
                "client \(number): bytes lost, doubled or out of order at \(expected.count)"
            )
        }
        book.expect(expected.count == total, "client \(number): \(expected.count) of \(total) bytes came")
        try await sending.value()
        try loop.simulatedCalls.close(socket)
    }

    /// A socket whose connect was given up is good for closing only.
    nonisolated(nonsending) private func connect(
        _ loop: any AbstractEventLoop,
        _ host: String,
        _ port: UInt16
    ) async throws -> FileDescriptor {
        while true {
            let socket = try loop.simulatedCalls.makeSocket(.ipv4, .stream, protocolNumber: 0)
            do {
                let connected: Void? = try await Patience(.seconds(30)).wait {
                    try await loop.sockConnect(socket, host: host, port: port)
                }
                if connected != nil { return socket }
            } catch is SocketError {
                try await sleep(for: .milliseconds(5))
            }
            try loop.simulatedCalls.close(socket)
        }
    }

    nonisolated(nonsending) private func send(_ socket: FileDescriptor) async throws {
        let loop = try getRunningLoop()
        var outgoing = ByteStream(number + 30)
        while outgoing.count < total {
            let piece = outgoing.next(min(pieceMax, total - outgoing.count))
            try await loop.sockSendAll(socket, piece.span.bytes)
        }
        try loop.simulatedCalls.shutdownWriting(socket)
    }
}
