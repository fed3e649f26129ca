import Proactor

/// TLS without cryptography: records of a type, a length and a body that is XORed.
final class ScrambledTLS: TLSProvider, @unchecked Sendable {
    func makeEngine(side: TLSSide, serverName: String?) throws(TLSError) -> any TLSEngine {
        ScrambledEngine(side)
    }
}

private enum RecordType: UInt8 {
    case hello = 1
    case welcome
    case data
    case end
}

private final class ScrambledEngine: TLSEngine {
    private let side: TLSSide
    private var hasGreeted = false
    private var input: [UInt8] = []
    private var plaintext: [UInt8] = []
    private var hasEnded = false

    private static let headerSize = 3
    private static let bodyMax = 4_000

    init(_ side: TLSSide) {
        self.side = side
    }

    func handshake(_ records: TLSRecords) throws(TLSError) -> TLSProgress {
        if side == .client, !hasGreeted {
            guard put(.hello, [], records) else { return .needsRoom }
            hasGreeted = true
        }
        guard let record = nextRecord(records) else {
            if records.isAtEnd { throw TLSError(.handshake, .endOfStream, side: side) }
            return .needsRecords
        }
        guard record.type == (side == .client ? .welcome : .hello) else {
            throw TLSError(.handshake, .notTLS, side: side)
        }
        if side == .server, !put(.welcome, [], records) { throw TLSError(.handshake, .notTLS, side: side) }
        return .done
    }

    func open(
        _ records: TLSRecords,
        into room: UnsafeMutableRawBufferPointer
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress) {
        var count = 0
        while true {
            let fitting = min(room.count - count, plaintext.count)
            UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyBytes(from: plaintext[..<fitting])
            plaintext.removeFirst(fitting)
            count += fitting
            if count == room.count { return (count, .done) }
            if hasEnded { return (count, .peerClosed) }
            guard let record = nextRecord(records) else {
                if count == 0, records.isAtEnd { throw TLSError(.receive, .truncated, side: side) }
                return (count, .needsRecords)
            }
            switch record.type {
            case .data: plaintext = record.body
            case .end: hasEnded = true
            case .hello, .welcome: throw TLSError(.receive, .brokenRecord, side: side)
            }
        }
    }

    func seal(
        _ plaintext: UnsafeRawBufferPointer,
        _ records: TLSRecords
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress) {
        var count = 0
        while count < plaintext.count {
            let body = plaintext[count...].prefix(Self.bodyMax)
            guard put(.data, Array(body), records) else { return (count, .needsRoom) }
            count += body.count
        }
        return (count, .done)
    }

    func sendCloseNotify(_ records: TLSRecords) throws(TLSError) -> TLSProgress {
        put(.end, [], records) ? .done : .needsRoom
    }

    var hasPending: Bool { !plaintext.isEmpty || !input.isEmpty }

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? { nil }

    // MARK: - Records

    private func put(_ type: RecordType, _ body: [UInt8], _ records: TLSRecords) -> Bool {
        guard records.room >= Self.headerSize + body.count else { return false }
        let record =
            [type.rawValue, UInt8(body.count >> 8), UInt8(body.count & 255)] + body.map { $0 ^ 0x5A }
        return record.withUnsafeBytes { records.put($0) }
    }

    private func nextRecord(_ records: TLSRecords) -> (type: RecordType, body: [UInt8])? {
        take(Self.headerSize - input.count, records)
        guard input.count >= Self.headerSize else { return nil }
        let size = Self.headerSize + Int(input[1]) << 8 + Int(input[2])
        take(size - input.count, records)
        guard input.count >= size, let type = RecordType(rawValue: input[0]) else { return nil }
        let body = input[Self.headerSize..<size].map { $0 ^ 0x5A }
        input.removeFirst(size)
        return (type, body)
    }

    private func take(_ count: Int, _ records: TLSRecords) {
        guard count > 0 else { return }
        var bytes = [UInt8](repeating: 0, count: count)
        let taken = bytes.withUnsafeMutableBytes { records.take(into: $0) }
        input += bytes[..<taken]
    }
}
