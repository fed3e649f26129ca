import Proactor
import ProactorTLS
import ProactorTesting
import SystemPackage
import TestCertificates

extension FuzzTarget {
    /// Two ends of a TLS connection, and somebody between them who changes what passes.
    ///
    /// Whatever is done, each end sees the beginning of what the other one has written, and the end of it only when that was all.
    ///
    /// Keys and random numbers are made anew each time, so that an input that has failed may pass the next time.
    static let tlsRecords = FuzzTarget(name: "tlsRecords", isSlow: true) {
        let lines = try SimulatedFace.allCases.flatMap { face in
            try [TLSVersion.tls12, .tls13].map { try TLSLine(face, version: $0) }
        }
        return { input in
            var input = FuzzInput(input)
            let line = lines[input.number(below: lines.count)]
            try line.check(TLSTalk(&input))
        }
    }
}

/// What is said over one connection, and what is done to it.
private struct TLSTalk {
    /// How much each end writes at a time.
    let written: [[Int]]
    /// What is done to what the client sends, and to what the server does.
    let tampering: [Tampering]
    /// How much passes at a time.
    let cuts: [Int]
    /// Which end waits for the other one's end before it closes; neither for another number.
    let patientEnd: Int

    /// In how many pieces all passes at the most, or thereabouts.
    private static let piecesMax = 2_000

    init(_ input: inout FuzzInput) {
        let shortest = (0..<3).map { _ in 1 + Int(input.byte()) << input.number(below: 5) }
        patientEnd = input.number(below: 3)
        written = (0..<2).map { _ in
            (0..<1 + input.number(below: 3)).map { _ in
                // Some more than sockets have room for.
                1 + Int(input.byte()) << [1, 1, 1, 1, 1, 1, 7, 11][input.number(below: 8)]
            }
        }
        let least = written.joined().reduce(0, +) / Self.piecesMax
        cuts = shortest.map { max($0, least) }
        tampering = (0..<2).map { _ in Tampering(&input) }
    }
}

/// A loop in memory whose ends of TLS are joined by somebody.
private final class TLSLine {
    private let loop: BaseEventLoop
    private let listener: FileDescriptor
    private let server: TLSContext
    private let client: TLSContext
    private static let address = SocketAddress.unixAbstract(name: [1])
    /// Of the simulation's time: when nobody says anything any more.
    private static let patience = Duration.seconds(100)

    init(_ face: SimulatedFace, version: TLSVersion) throws {
        loop = try LoneLoop.make(face)
        listener = try loop.backend.system.makeSocket(.unix, .stream, protocolNumber: 0)
        try loop.backend.system.bind(listener, to: Self.address)
        try loop.backend.system.listen(listener, backlog: 4)
        server = try .testServer { ($0.minimumVersion, $0.maximumVersion) = (version, version) }
        client = try .testClient {
            ($0.minimumVersion, $0.maximumVersion) = (version, version)
            // What one input leaves behind is nothing to the next.
            $0.rememberedServers = 0
        }
    }

    deinit {
        try? loop.backend.system.close(listener)
        try? loop.close()
    }

    func check(_ talk: TLSTalk) throws {
        let ends = ["the client", "the server"].enumerated().map { number, name in
            TLSEnd(name, talk.written[number], waitsForEnd: talk.patientEnd == number)
        }
        let isHonest = try loop.runUntilComplete(loop.createTask { [self] in try await run(talk, ends) })
        for (end, peer) in [(ends[0], ends[1]), (ends[1], ends[0])] {
            try end.check(against: peer, isHonest: isHonest)
        }
    }

    /// Returns whether all passed as it came.
    private nonisolated(nonsending) func run(_ talk: TLSTalk, _ ends: [TLSEnd]) async throws -> Bool {
        let near = try makePair()
        let far = try makePair()
        let sockets = [near.given, far.given]
        let outgoing = TLSRelay(loop, from: sockets[0], to: sockets[1], talk.tampering[0], talk.cuts)
        let incoming = TLSRelay(loop, from: sockets[1], to: sockets[0], talk.tampering[1], talk.cuts)
        // An end may wait for bytes that were dropped.
        let limit = try loop.callLater(Self.patience) { [loop] in
            for socket in sockets { try? loop.backend.system.shutdownWriting(socket) }
        }
        let tasks: [Future<Void>] = [
            loop.createTask { try await outgoing.run() },
            loop.createTask { try await incoming.run() },
            loop.createTask { [self] in
                try await ends[0].run { end in
                    var options = ConnectionOptions(.socket(near.kept))
                    options.tls = TLSOptions(client, serverName: "localhost")
                    _ = try await loop.createConnection(options) { end }
                }
            },
            loop.createTask { [self] in
                try await ends[1].run { end in
                    _ = try await loop.connectAcceptedSocket(far.kept, tls: TLSOptions(server)) { end }
                }
            },
        ]
        defer {
            limit.cancel()
            for socket in sockets { try? loop.backend.system.close(socket) }
        }
        for result in try await gatherResults(tasks) { try result.get() }
        return !outgoing.hasChanged && !incoming.hasChanged
    }

    /// Two sockets that are connected: one for an end, one for who is between them.
    private func makePair() throws -> (kept: FileDescriptor, given: FileDescriptor) {
        let system = loop.backend.system
        let socket = try system.makeSocket(.unix, .stream, protocolNumber: 0)
        _ = try system.direct.connect(socket, to: Self.address)
        guard let accepted = try system.direct.accept(listener) else {
            throw FuzzFinding("nobody has connected")
        }
        return (socket, accepted.socket)
    }
}

/// Who is between two ends, in one direction.
private final class TLSRelay {
    private let loop: BaseEventLoop
    private let source: FileDescriptor
    private let target: FileDescriptor
    private var tampering: Tampering
    private let cuts: [Int]

    var hasChanged: Bool { tampering.hasChanged }

    init(
        _ loop: BaseEventLoop,
        from source: FileDescriptor,
        to target: FileDescriptor,
        _ tampering: Tampering,
        _ cuts: [Int]
    ) {
        self.loop = loop
        self.source = source
        self.target = target
        self.tampering = tampering
        self.cuts = cuts
    }

    nonisolated(nonsending) func run() async throws {
        var isOpen = true
        var piece = 0
        do {
            while true {
                let bytes = try await loop.sockRecv(source, upTo: cuts[piece % cuts.count])
                piece += 1
                guard !bytes.isEmpty else { break }
                guard isOpen else { continue }
                let passed = tampering.pass(bytes)
                isOpen = passed.goesOn
                try await loop.sockSendAll(target, passed.bytes)
                if !isOpen { try? loop.backend.system.shutdownWriting(target) }
            }
        } catch is SocketError {
            // One of the ends is gone, and the other is told.
        }
        try? loop.backend.system.shutdownWriting(target)
    }
}

/// One end: it writes what it has to say, and closes when it has heard all of the peer, or its end as well.
private final class TLSEnd: StreamProtocol {
    private enum Phase {
        case fresh
        case open
        case lost
    }

    private let name: String
    private let sizes: [Int]
    private let waitsForEnd: Bool
    /// How much the peer says, which it tells first of all.
    private var awaited: Int?
    private var received: [UInt8] = []
    private var phase = Phase.fresh
    private var heardEnd = false
    private var error: (any Error)?
    private var ending: Future<Void>?
    private var transport: (any Transport)?
    private var finding: FuzzFinding?

    init(_ name: String, _ sizes: [Int], waitsForEnd: Bool) {
        self.name = name
        self.sizes = sizes
        self.waitsForEnd = waitsForEnd
    }

    /// All that it has to say, with how much that is first, in three bytes.
    private var content: [UInt8] {
        let count = sizes.reduce(3, +)
        return [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255)]
            + (3..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8 ^ sizes.count) }
    }

    /// Connects, and waits until the connection is lost.
    nonisolated(nonsending) func run(
        _ connect: nonisolated(nonsending) (TLSEnd) async throws -> Void
    ) async throws {
        do { try await connect(self) } catch {
            try demand(error is TLSError, "\(name) could not connect: \(error)")
            self.error = error
            return
        }
        guard phase == .open else { return }
        let future = try getRunningLoop().createFuture(of: Void.self)
        ending = future
        try await future.value()
    }

    func connectionMade(_ transport: any Transport) throws {
        note(phase == .fresh, "made twice")
        phase = .open
        self.transport = transport
        var rest = content[...]
        for size in sizes {
            transport.write(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        transport.write(Array(rest))
    }

    func dataReceived(_ data: RawSpan) throws {
        note(phase == .open && !heardEnd && data.byteCount > 0, "data when \(phase)")
        received += Array(data)
        if received.count >= 3 {
            awaited = Int(received[0]) << 16 | Int(received[1]) << 8 | Int(received[2])
        }
        if received.count == awaited, !waitsForEnd { transport?.close() }
    }

    func eofReceived() throws -> Bool {
        note(phase == .open && !heardEnd, "an end when \(phase)")
        heardEnd = true
        return false
    }

    func connectionLost(_ error: (any Error)?) {
        note(phase == .open, "lost when \(phase)")
        phase = .lost
        self.error = error
        transport = nil
        _ = ending?.trySetResult(())
    }

    private func note(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition, finding == nil { finding = FuzzFinding("\(name): \(text())") }
    }

    /// What has come of it all.
    func check(against peer: TLSEnd, isHonest: Bool) throws {
        if let finding { throw finding }
        let right = peer.content
        try demand(right.starts(with: received), "\(name) received what \(peer.name) has not written")
        let isWhole = received.count == right.count
        let state = "\(name), with \(received.count) of \(right.count) bytes,"
        // Nobody but the peer can say that nothing follows, and it says so when it has written all.
        try demand(!heardEnd || isWhole, "\(state) heard an end")
        try demand(error != nil || phase != .lost || isWhole, "\(state) was lost, and nothing was wrong")
        guard isHonest else { return }
        try demand(isWhole && phase == .lost, "\(state) is \(phase)")
        try demand(error == nil, "\(state) was lost by \(String(describing: error))")
        try demand(heardEnd || !waitsForEnd, "\(state) has not heard the end")
    }
}
