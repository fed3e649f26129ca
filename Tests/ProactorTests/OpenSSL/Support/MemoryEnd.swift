@testable import Proactor
@testable import ProactorTLS

/// One end of a connection whose wire is an array.
final class MemoryEnd {
    let engine: OpenSSLEngine
    private let records = TLSRecords()
    /// What has come and was not taken.
    var incoming: [UInt8] = []
    /// What is on its way to the other end.
    var outgoing: [UInt8] = []
    var received: [UInt8] = []
    var isEstablished = false
    var sawClose = false
    /// What ended the connection.
    private(set) var error: TLSError?

    init(_ context: TLSContext, serverName: String? = nil) throws {
        engine = try context.makeOpenSSLEngine(side: context.side, serverName: serverName)
        records.outlet = { [unowned self] in outgoing.append(contentsOf: $0) }
    }

    var isAtEnd: Bool {
        get { records.isAtEnd }
        set { records.isAtEnd = newValue }
    }

    var room: Int {
        get { records.room }
        set { records.room = newValue }
    }

    func lend<Result>(_ body: (TLSRecords) throws -> Result) rethrows -> Result {
        let lent = incoming
        defer { incoming.removeFirst(lent.count - records.incoming.count) }
        return try lent.withUnsafeBytes { bytes in
            records.incoming = bytes
            return try body(records)
        }
    }

    /// Goes on with the handshake, and then opens what there is.
    func advance(roomSize: Int = 20_000) {
        guard error == nil else { return }
        do {
            if !isEstablished {
                isEstablished = try lend { try engine.handshake($0) } == .done
                guard isEstablished else { return }
            }
            while try open(roomSize: roomSize) == .done {}
        } catch let error as TLSError {
            self.error = error
        } catch {
            preconditionFailure("\(error)")
        }
    }

    @discardableResult
    func open(roomSize: Int = 20_000) throws -> TLSProgress {
        var room = [UInt8](repeating: 0, count: roomSize)
        let (count, progress) = try room.withUnsafeMutableBytes { room in
            try lend { try engine.open($0, into: room) }
        }
        received += room[..<count]
        if progress == .peerClosed { sawClose = true }
        return progress
    }

    @discardableResult
    func seal(_ bytes: [UInt8]) throws -> Int {
        try bytes.withUnsafeBytes { bytes in try lend { try engine.seal(bytes, $0) } }.byteCount
    }

    func seal(_ text: String) throws {
        try seal(Array(text.utf8))
    }

    func close() throws {
        _ = try lend { try engine.sendCloseNotify($0) }
    }

    func info<Value>(_ key: ExtraInfoKey<Value>) -> Value? { engine.extraInfo(key) }

    var text: String { String(decoding: received, as: UTF8.self) }
}

/// Two ends and the wire between them.
struct MemoryPair {
    let client: MemoryEnd
    let server: MemoryEnd

    init(_ client: TLSContext, _ server: TLSContext, serverName: String? = "localhost") throws {
        self.client = try MemoryEnd(client, serverName: serverName)
        self.server = try MemoryEnd(server)
    }

    /// Carries what is on its way, until nothing is.
    ///
    /// - Parameter piece: how many bytes at a time.
    func run(piece: Int = .max) {
        client.advance()
        repeat {
            carry(from: client, to: server, piece: piece)
            carry(from: server, to: client, piece: piece)
        } while !client.outgoing.isEmpty || !server.outgoing.isEmpty
    }

    private func carry(from one: MemoryEnd, to other: MemoryEnd, piece: Int) {
        let bytes = one.outgoing
        one.outgoing = []
        var rest = bytes[...]
        while !rest.isEmpty {
            other.incoming += rest.prefix(piece)
            rest = rest.dropFirst(piece)
            other.advance()
        }
    }

    /// A pair that has shaken hands.
    static func established(
        _ client: TLSContext,
        _ server: TLSContext,
        serverName: String? = "localhost"
    ) throws -> MemoryPair {
        let pair = try MemoryPair(client, server, serverName: serverName)
        pair.run()
        if let error = pair.client.error ?? pair.server.error { throw error }
        return pair
    }
}
