@testable import Proactor

/// A ``BufferedProtocol`` that writes down what it is told, and does what a test hangs in.
final class RecordingBufferedProtocol: BufferedProtocol {
    private(set) var received: [UInt8] = []
    private(set) var pieces: [Int] = []
    private(set) var getBufferCount = 0
    /// How many bytes were in each buffer that came back with nothing received.
    private(set) var returnedCounts: [Int] = []
    /// How many buffers the transport has, and how many it had at once.
    private(set) var lentCount = 0
    private(set) var mostLent = 0
    private(set) var eofCount = 0
    private(set) var lostErrors: [(any Error)?] = []
    private(set) weak var transport: (any Transport)?

    var capacity: Int
    var onMade: ((any Transport) throws -> Void)?
    var onGetBuffer: (() throws -> OwnedBuffer)?
    var onData: ((any Transport, [UInt8]) throws -> Void)?
    var onEOF: ((any Transport) throws -> Bool)?

    init(capacity: Int = 1024) {
        self.capacity = capacity
    }

    var text: String { String(decoding: received, as: UTF8.self) }

    func connectionMade(_ transport: any Transport) throws {
        adopt(transport)
        try onMade?(transport)
    }

    /// For a protocol that takes over, whose `connectionMade` is not called.
    func adopt(_ transport: any Transport) {
        self.transport = transport
    }

    func getBuffer(sizeHint: Int) throws -> OwnedBuffer {
        getBufferCount += 1
        let buffer = try onGetBuffer?() ?? OwnedBuffer(capacity: capacity)
        lentCount += 1
        mostLent = max(mostLent, lentCount)
        return buffer
    }

    func bufferUpdated(_ buffer: consuming OwnedBuffer, received count: Int) throws {
        let bytes = buffer.withBytes { $0.withUnsafeBytes { Array($0.suffix(count)) } }
        lentCount -= 1
        pieces.append(count)
        received.append(contentsOf: bytes)
        if let transport { try onData?(transport, bytes) }
    }

    func bufferReturned(_ buffer: consuming OwnedBuffer) {
        lentCount -= 1
        returnedCounts.append(buffer.count)
    }

    func eofReceived() throws -> Bool {
        eofCount += 1
        guard let transport else { return false }
        return try onEOF?(transport) ?? false
    }

    func connectionLost(_ error: (any Error)?) {
        lostErrors.append(error)
    }
}
