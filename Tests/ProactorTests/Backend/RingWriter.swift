import SystemPackage

@testable import Proactor

/// Sends given bytes however short the sends are, then the end of stream.
final class RingWriter: CompletionOwner {
    private let harness: RingHarness
    private let socket: FileDescriptor
    private let bytes: UnsafeRawBufferPointer
    private var sent = 0

    init(_ harness: RingHarness, _ socket: FileDescriptor, _ bytes: [UInt8]) {
        self.harness = harness
        self.socket = socket
        self.bytes = UnsafeRawBufferPointer(harness.buffer(bytes))
    }

    func start() {
        harness.backend.submit(.send(socket, UnsafeRawBufferPointer(rebasing: bytes[sent...])), owner: self)
    }

    override func operationCompleted(_ completion: Completion) {
        guard completion.result >= 0 else { return }
        sent += Int(completion.result)
        if sent < bytes.count {
            start()
        } else {
            try? harness.backend.system.shutdownWriting(socket)
        }
    }
}
