import SystemPackage
import Testing

@testable import Proactor

/// The other end of a connection over the scripted TLS. It is no loop's, and does only what a test says.
final class ScriptedPeer {
    let raw: RawPeer
    let engine: ScriptedEngine
    private let records = TLSRecords()
    /// What is to be sent.
    private(set) var outgoing: [UInt8] = []
    private var incoming: [UInt8] = []
    private(set) var isOpen = false
    private(set) var sawCloseNotify = false
    private(set) var failure: TLSError?
    /// The plaintext that came.
    private(set) var received: [UInt8] = []
    private var seen: Int

    /// - Parameter plainCount: how much of what has come is plain; all of it unless given.
    init(_ raw: RawPeer, _ context: ScriptedTLS, _ side: TLSSide, plainCount: Int? = nil) throws {
        self.raw = raw
        seen = plainCount ?? raw.received.count
        engine = try #require(try context.makeEngine(side: side, serverName: nil) as? ScriptedEngine)
        records.outlet = { [unowned self] in outgoing += Array($0) }
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    /// Takes what has come, answers, and sends what is to be sent; nothing waits.
    func step(limit: Int = .max) {
        if raw.descriptor >= 0 { raw.read(limit: limit) }
        incoming = Array(raw.received[seen...])
        seen = raw.received.count
        guard !incoming.isEmpty || !isOpen && engine.side == .client else { return send() }
        incoming.withUnsafeBytes { bytes in
            records.incoming = bytes
            do throws(TLSError) { try take() } catch { failure = failure ?? error }
            // What was not taken comes again.
            seen -= records.count
            records.incoming = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        send()
    }

    private func take() throws(TLSError) {
        guard failure == nil, !sawCloseNotify else { return }
        if !isOpen { isOpen = try engine.handshake(records) == .done }
        guard isOpen else { return }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 20_000, alignment: 1)
        defer { room.deallocate() }
        var progress = TLSProgress.done
        while progress == .done {
            let result = try engine.open(records, into: room)
            received += room[..<result.byteCount]
            progress = result.progress
        }
        if progress == .peerClosed { sawCloseNotify = true }
    }

    /// Sends what waits, as far as the kernel takes it.
    func send() {
        guard !outgoing.isEmpty, raw.descriptor >= 0 else { return }
        outgoing.removeFirst(raw.write(outgoing))
    }

    func write(_ bytes: [UInt8], sends: Bool = true) {
        bytes.withUnsafeBytes { _ = try? engine.seal($0, records) }
        if sends { send() }
    }

    func write(_ text: String, sends: Bool = true) { write(Array(text.utf8), sends: sends) }

    func closeNotify() {
        _ = try? engine.sendCloseNotify(records)
        send()
    }

    /// The bytes that wait to be sent, which are not sent then.
    func takeOutgoing() -> [UInt8] {
        defer { outgoing = [] }
        return outgoing
    }
}

extension BaseEventLoop {
    /// One end of a connection whose handshake is under way; the task ends with it.
    func beginTLS(
        _ connectionProtocol: any ConnectionProtocol,
        _ options: TLSOptions,
        _ side: TLSSide = .server,
        over kind: SocketPair.Kind = .unix
    ) throws -> (task: LoopTask<any Transport>, peer: ScriptedPeer) {
        var options = options
        if side == .client { options.serverName = options.serverName ?? "here" }
        let pair = try SocketPair(kind)
        let peer = try ScriptedPeer(
            RawPeer(pair.second),
            try #require(options.context as? ScriptedTLS),
            side == .server ? .client : .server
        )
        let box = ProtocolBox(connectionProtocol)
        let chosen = options
        let task = createTask { () -> any Transport in
            guard side == .client else {
                return try await self.connectAcceptedSocket(pair.first, tls: chosen) { box }.transport
            }
            var connection = ConnectionOptions(.socket(pair.first))
            connection.tls = chosen
            return try await self.createConnection(connection) { box }.transport
        }
        return (task, peer)
    }

    /// One end of a connection whose handshake is done.
    func connectTLS(
        _ connectionProtocol: any ConnectionProtocol,
        _ options: TLSOptions,
        _ side: TLSSide = .server,
        over kind: SocketPair.Kind = .unix
    ) throws -> (transport: TLSTransport, peer: ScriptedPeer) {
        let (task, peer) = try beginTLS(connectionProtocol, options, side, over: kind)
        try turn {
            peer.step()
            return task.done && peer.isOpen
        }
        let transport = try #require(try task.result() as? TLSTransport)
        transport.setProtocol(connectionProtocol)
        return (transport, peer)
    }

    /// Two ends of one connection of this loop, with TLS between them.
    func connectBoth(
        _ client: some ConnectionProtocol,
        _ server: some ConnectionProtocol,
        _ context: ScriptedTLS
    ) throws -> (client: TLSTransport, server: TLSTransport) {
        let pair = try SocketPair(.tcp)
        let accepting = createTask {
            try await self.connectAcceptedSocket(pair.first, tls: context) { server }.transport
        }
        let connecting = createTask {
            try await self.createConnection(socket: pair.second, tls: context, serverName: "x") { client }
                .transport
        }
        try turn { accepting.done && connecting.done }
        return (
            try #require(try connecting.result() as? TLSTransport),
            try #require(try accepting.result() as? TLSTransport)
        )
    }

    /// Closes what a test leaves open, and sees to it that nothing is left of it.
    func finish(_ transport: TLSTransport, _ peer: ScriptedPeer) throws {
        transport.abort()
        peer.raw.close()
        try turn { transport.phase == .ended && self.openTransports.count == 0 }
    }
}

/// Hands on the first call, so that a protocol of any type can be made where one type is wanted.
final class ProtocolBox: StreamProtocol {
    private let inner: any ConnectionProtocol

    init(_ inner: any ConnectionProtocol) { self.inner = inner }

    func connectionMade(_ transport: any Transport) throws {
        transport.setProtocol(inner)
        try inner.connectionMade(transport)
    }

    func dataReceived(_ data: RawSpan) {}
}
