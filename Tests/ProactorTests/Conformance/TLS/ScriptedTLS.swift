@testable import Proactor

/// A context for engines without any cryptography: a record is a header of five bytes, as TLS has it, and a body whose beginning is
/// XORed, which is enough to tell it from plaintext.
/// What goes wrong, and when, is up to the test.
final class ScriptedTLS: TLSProvider, @unchecked Sendable {
    // Set before connections are made, and read by loops' threads.
    let key: UInt8
    /// The engines that are alive.
    let life = LifeCounter()
    /// Takes all that has come at once, also what it cannot open yet; else one record at a time.
    var readsAhead = false
    /// What making an engine fails with.
    var refusal: TLSError?
    /// Has this side end its handshake by an alert.
    var handshakeFailure: TLSError?
    /// Has what is put need this much room besides.
    var spareRoom = 0
    private let names = ThreadLock<[String?]>([])

    init(key: UInt8 = 0x5A) {
        self.key = key
    }

    /// Whom the engines were told to reach.
    var serverNames: [String?] { names.withLock { $0 } }

    func makeEngine(side: TLSSide, serverName: String?) throws(TLSError) -> any TLSEngine {
        if let refusal { throw refusal }
        names.withLock { $0.append(serverName) }
        return ScriptedEngine(self, side)
    }
}

enum ScriptedRecord {
    static let hello: UInt8 = 1
    static let answer: UInt8 = 2
    static let finished: UInt8 = 3
    static let alert: UInt8 = 21
    static let data: UInt8 = 23
    /// Is answered by `answered`.
    static let question: UInt8 = 24
    static let answered: UInt8 = 25

    static let headerSize = 5
    static let bodyMax = 16_384

    static func make(_ type: UInt8, _ body: some Collection<UInt8>, key: UInt8) -> [UInt8] {
        [type, 3, 3, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + crypt(Array(body), key: key)
    }

    /// Both ways.
    static func crypt(_ body: [UInt8], key: UInt8) -> [UInt8] {
        var body = body
        for index in body.indices.prefix(16) { body[index] ^= key }
        return body
    }

    /// A close_notify is the alert 0.
    static func closeNotify(key: UInt8) -> [UInt8] { make(alert, [0], key: key) }
}

final class ScriptedEngine: TLSEngine {
    private enum Step {
        case start, waiting, done
    }

    let context: ScriptedTLS
    let side: TLSSide
    private let life: LifeCounter.Object
    private var step = Step.start
    /// Bytes of the peer that make no whole record yet, or were not opened.
    private var input: [UInt8] = []
    /// Plaintext that found no room.
    private var opened: [UInt8] = []
    private var closeNotifyCame = false
    private var failure: TLSError?
    private var owedAnswers = 0
    private var isInCall = false
    /// How many data records it has put, and how many bytes were in them.
    private(set) var sealedRecords = 0
    private(set) var sealedBytes = 0
    private(set) var closeNotifies = 0
    private(set) var calls = 0

    init(_ context: ScriptedTLS, _ side: TLSSide) {
        self.context = context
        self.side = side
        life = context.life.makeObject()
    }

    // MARK: - The engine

    func handshake(_ records: TLSRecords) throws(TLSError) -> TLSProgress {
        precondition(step != .done, "a handshake went on that is done")
        return try call { () throws(TLSError) in
            if step == .start, side == .client {
                guard put(ScriptedRecord.hello, [], records) else { return .needsRoom }
                step = .waiting
            }
            while true {
                guard let record = try nextRecord(records, .handshake) else {
                    if records.isAtEnd { throw TLSError(.handshake, .endOfStream, side: side) }
                    return .needsRecords
                }
                if try advance(by: record.type, records) { return .done }
            }
        }
    }

    private func advance(by type: UInt8, _ records: TLSRecords) throws(TLSError) -> Bool {
        if let failure = context.handshakeFailure {
            _ = put(ScriptedRecord.alert, [42], records)
            throw failure
        }
        switch (side, step, type) {
        case (.server, .start, ScriptedRecord.hello):
            guard put(ScriptedRecord.answer, [], records) else {
                preconditionFailure("no room for an answer")
            }
            step = .waiting
            return false
        case (.client, .waiting, ScriptedRecord.answer):
            guard put(ScriptedRecord.finished, [], records) else {
                preconditionFailure("no room for the end")
            }
            step = .done
            return true
        case (.server, .waiting, ScriptedRecord.finished):
            step = .done
            return true
        case (_, _, ScriptedRecord.alert):
            throw TLSError(.handshake, .alert(42), side: side)
        default:
            _ = put(ScriptedRecord.alert, [10], records)
            throw TLSError(.handshake, .notTLS, side: side)
        }
    }

    func open(
        _ records: TLSRecords,
        into room: UnsafeMutableRawBufferPointer
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress) {
        precondition(step == .done, "records were opened amid the handshake")
        return try call { () throws(TLSError) in
            var count = 0
            while true {
                guard answer(records) else { return (count, .needsRoom) }
                let fitting = min(room.count - count, opened.count)
                if fitting > 0 {
                    UnsafeMutableRawBufferPointer(rebasing: room[count...]).copyBytes(
                        from: opened[..<fitting]
                    )
                    opened.removeFirst(fitting)
                }
                count += fitting
                if count == room.count { return (count, .done) }
                if closeNotifyCame { return (count, .peerClosed) }
                if let failure {
                    guard count == 0 else { return (count, .done) }
                    throw failure
                }
                do throws(TLSError) {
                    guard let record = try nextRecord(records, .receive) else {
                        return (count, .needsRecords)
                    }
                    take(record, records)
                } catch {
                    failure = error
                }
            }
        }
    }

    private func take(_ record: (type: UInt8, body: [UInt8]), _ records: TLSRecords) {
        switch record.type {
        case ScriptedRecord.data: opened = record.body
        case ScriptedRecord.question: owedAnswers += 1
        case ScriptedRecord.answered: break
        case ScriptedRecord.alert where record.body == [0]: closeNotifyCame = true
        case ScriptedRecord.alert: failure = TLSError(.receive, .alert(record.body[0]), side: side)
        default:
            _ = put(ScriptedRecord.alert, [20], records)
            failure = TLSError(.receive, .brokenRecord, side: side)
        }
    }

    private func answer(_ records: TLSRecords) -> Bool {
        while owedAnswers > 0 {
            guard put(ScriptedRecord.answered, [], records) else { return false }
            owedAnswers -= 1
        }
        return true
    }

    func seal(
        _ plaintext: UnsafeRawBufferPointer,
        _ records: TLSRecords
    ) throws(TLSError) -> (byteCount: Int, progress: TLSProgress) {
        precondition(step == .done && plaintext.count > 0 && closeNotifies == 0, "sealed out of turn")
        return try call { () throws(TLSError) in
            var count = 0
            while count < plaintext.count {
                let body = plaintext[count...].prefix(ScriptedRecord.bodyMax)
                guard put(ScriptedRecord.data, body, records) else { return (count, .needsRoom) }
                sealedRecords += 1
                count += body.count
            }
            sealedBytes += count
            return (count, .done)
        }
    }

    func sendCloseNotify(_ records: TLSRecords) throws(TLSError) -> TLSProgress {
        precondition(step == .done && closeNotifies == 0, "an end was announced out of turn")
        return try call { () throws(TLSError) in
            guard put(ScriptedRecord.alert, [0], records) else { return .needsRoom }
            closeNotifies += 1
            return .done
        }
    }

    var hasPending: Bool {
        !opened.isEmpty || !input.isEmpty || failure != nil || owedAnswers > 0
    }

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? {
        key.name == ExtraInfoKey<String>.tlsCipher.name ? "XOR" as? Value : nil
    }

    // MARK: - Records

    private func call<Result>(_ body: () throws(TLSError) -> Result) throws(TLSError) -> Result {
        precondition(!isInCall, "an engine was called within one of its calls")
        isInCall = true
        calls += 1
        defer { isInCall = false }
        return try body()
    }

    private func put(_ type: UInt8, _ body: some Collection<UInt8>, _ records: TLSRecords) -> Bool {
        guard records.room >= ScriptedRecord.headerSize + body.count + context.spareRoom else { return false }
        return ScriptedRecord.make(type, body, key: context.key).withUnsafeBytes { records.put($0) }
    }

    private func nextRecord(
        _ records: TLSRecords,
        _ stepName: TLSError.Step
    ) throws(TLSError) -> (type: UInt8, body: [UInt8])? {
        if context.readsAhead { take(records.count, records) }
        take(ScriptedRecord.headerSize - input.count, records)
        guard input.count >= ScriptedRecord.headerSize else { return try lacking(records, stepName) }
        let size = ScriptedRecord.headerSize + Int(input[3]) << 8 + Int(input[4])
        guard input[1] == 3, size <= ScriptedRecord.headerSize + ScriptedRecord.bodyMax else {
            throw TLSError(stepName, stepName == .handshake ? .notTLS : .brokenRecord, side: side)
        }
        take(size - input.count, records)
        guard input.count >= size else { return try lacking(records, stepName) }
        let body = Array(input[ScriptedRecord.headerSize..<size])
        let record = (input[0], ScriptedRecord.crypt(body, key: context.key))
        input.removeFirst(size)
        return record
    }

    private func lacking(_ records: TLSRecords, _ stepName: TLSError.Step) throws(TLSError) -> (
        UInt8, [UInt8]
    )? {
        if records.isAtEnd, stepName == .receive { throw TLSError(.receive, .truncated, side: side) }
        return nil
    }

    private func take(_ count: Int, _ records: TLSRecords) {
        guard count > 0 else { return }
        var bytes = [UInt8](repeating: 0, count: count)
        let taken = bytes.withUnsafeMutableBytes { records.take(into: $0) }
        input.append(contentsOf: bytes[..<taken])
    }
}
