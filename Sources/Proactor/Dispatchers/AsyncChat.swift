import SystemPackage

/// A channel that cuts what it receives at terminators, and sends what producers make: asynchat's `async_chat`. Subclass it, and
/// override ``collectIncomingData(_:)`` and ``foundTerminator()``.
///
/// In new programs read with a terminator by the streams, or frame in a ``StreamProtocol``.
///
/// ```swift
/// final class Lines: AsyncChat {
///     private var line: [UInt8] = []
///
///     override func collectIncomingData(_ data: [UInt8]) { line += data }
///     override func foundTerminator() throws {
///         try push("you said \(String(decoding: line, as: UTF8.self))\n")
///         line = []
///     }
/// }
///
/// let chat = try Lines(socket: socket, map: map)
/// try chat.setTerminator(.bytes(Array("\n".utf8)))
/// ```
open class AsyncChat: Dispatcher {
    /// What ends a piece of the incoming data.
    public enum Terminator: Hashable, Sendable {
        /// These bytes, at least one, which are taken away.
        case bytes([UInt8])
        /// So many bytes, at least one.
        case count(Int)
        /// Nothing: data is collected for ever.
        case none
    }

    private enum Outgoing {
        case data([UInt8])
        case producer(any ChatProducer)
        case end
    }

    /// How many bytes are received at a time.
    public var inputBufferSize = 65536
    /// How many bytes of what is pushed are handed to the kernel at a time.
    public var outputBufferSize = 65536
    /// What was received and not collected yet: behind `consumed`.
    private var input: [UInt8] = []
    private var consumed = 0
    private var output: [Outgoing] = []
    private var currentTerminator = Terminator.none

    // MARK: - What a subclass does

    /// Some data came, before the terminator. It is to be kept: no piece comes twice.
    open func collectIncomingData(_ data: [UInt8]) throws {}
    /// The terminator came. What follows it is collected next, under whatever terminator is set by then.
    open func foundTerminator() throws {}

    // MARK: - Terminator

    /// What ends the piece that is being received. Of a count it is what is still to come, and nothing once that has come.
    public var terminator: Terminator { currentTerminator }

    /// Sets what ends a piece, from the next byte on that was not collected.
    ///
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for no bytes, or for a count below one.
    public func setTerminator(_ terminator: Terminator) throws(EventLoopError) {
        switch terminator {
        case .bytes([]): throw .invalidArgument("a terminator has at least one byte; .none collects for ever")
        case .count(let count) where count < 1:
            throw .invalidArgument("a terminator comes after at least one byte, not \(count)")
        default: currentTerminator = terminator
        }
    }

    // MARK: - Sending

    /// Sends data, after all that was pushed before.
    ///
    /// - Throws: as ``Dispatcher/send(_:)``.
    public func push(_ data: [UInt8]) throws {
        let size = max(outputBufferSize, 1)
        for start in stride(from: 0, to: data.count, by: size) {
            output.append(.data(Array(data[start..<min(start + size, data.count)])))
        }
        try sendMore()
    }

    /// Sends the text as UTF-8.
    ///
    /// - Throws: as ``Dispatcher/send(_:)``.
    public func push(_ text: String) throws {
        try push(Array(text.utf8))
    }

    /// Sends what a producer makes, after all that was pushed before.
    ///
    /// - Throws: what the producer throws, and as ``Dispatcher/send(_:)``.
    public func pushWithProducer(_ producer: any ChatProducer) throws {
        output.append(.producer(producer))
        try sendMore()
    }

    /// Closes when all that was pushed before is sent.
    ///
    /// - Throws: what ``Dispatcher/handleClose()`` throws.
    public func closeWhenDone() throws {
        output.append(.end)
        try sendMore()
    }

    /// Drops what was received and not collected, and what was pushed and not sent.
    public func discardBuffers() {
        input = []
        consumed = 0
        output = []
    }

    // MARK: - Dispatcher

    /// Whether there is something to be sent, or a connect under way.
    open override func writable() -> Bool { !isConnected || !output.isEmpty }

    /// Sends more.
    open override func handleWrite() throws { try sendMore() }

    /// Receives, and calls the two methods of the subclass for each piece.
    open override func handleRead() throws {
        let data = try recv(inputBufferSize)
        guard !data.isEmpty else { return }
        input += data
        while socket != nil, consumed < input.count, try takePiece() {}
        // What is left is part of a terminator, at most, or of a piece that was discarded.
        input.removeFirst(consumed)
        consumed = 0
    }

    /// Returns false when more has to come.
    private func takePiece() throws -> Bool {
        switch currentTerminator {
        case .none:
            try collect(input.count - consumed)
        case .count(let count):
            let part = min(count, input.count - consumed)
            currentTerminator = part < count ? .count(count - part) : .none
            try collect(part)
            if part == count { try foundTerminator() }
        case .bytes(let bytes):
            let (length, isWhole) = find(bytes)
            if length > 0 { try collect(length) }
            guard isWhole else { return false }
            // Unless it was discarded meanwhile.
            consumed = min(consumed + bytes.count, input.count)
            try foundTerminator()
        }
        return true
    }

    /// How many bytes come before the terminator, or before what may be its beginning at the end of the input.
    private func find(_ bytes: [UInt8]) -> (length: Int, isWhole: Bool) {
        var start = consumed
        while start < input.count {
            let rest = input[start...]
            if rest.starts(with: bytes) { return (start - consumed, true) }
            if rest.count < bytes.count, bytes.starts(with: rest) { break }
            start = rest.dropFirst().firstIndex(of: bytes[0]) ?? input.count
        }
        return (start - consumed, false)
    }

    private func collect(_ count: Int) throws {
        let piece = Array(input[consumed..<consumed + count])
        consumed += count
        try collectIncomingData(piece)
    }

    private func sendMore() throws {
        defer { map.scheduleUpdate() }
        while isConnected, let next = output.first {
            switch next {
            case .end:
                output.removeFirst()
                return try handleClose()
            case .producer(let producer):
                let data = try producer.more()
                if data.isEmpty { output.removeFirst() } else { output.insert(.data(data), at: 0) }
            case .data(let data):
                let count = try send(data)
                guard isConnected, !output.isEmpty else { return }
                guard count < data.count else {
                    output.removeFirst()
                    continue
                }
                output[0] = .data(Array(data[count...]))
                return
            }
        }
    }
}
