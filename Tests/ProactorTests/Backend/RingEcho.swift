import SystemPackage

@testable import Proactor

/// Sends back what it receives, one send at a time; closes when the stream ends.
final class RingEcho: CompletionOwner {
    private let harness: RingHarness
    private let socket: FileDescriptor
    private var pending: [UInt8] = []
    private var inFlight: UnsafeMutableRawBufferPointer?
    private var sent = 0
    private var hasEnded = false
    private(set) var error: Int32 = 0

    init(_ harness: RingHarness, _ socket: FileDescriptor) {
        self.harness = harness
        self.socket = socket
    }

    func start() {
        harness.backend.submit(.receive(socket), owner: self)
    }

    override func operationCompleted(_ completion: Completion) {
        if completion.result < 0 { error = -completion.result }
        switch completion.token.kind {
        case .receive:
            pending += completion.bytes
            if completion.isFinal { hasEnded = true }
        case .send:
            sent += Int(max(completion.result, 0))
            if let buffer = inFlight, sent == buffer.count {
                buffer.deallocate()
                inFlight = nil
            } else {
                submitRest()
            }
        default:
            return
        }
        guard inFlight == nil else { return }
        if !pending.isEmpty {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pending.count, alignment: 16)
            buffer.copyBytes(from: pending)
            pending.removeAll()
            (inFlight, sent) = (buffer, 0)
            submitRest()
        } else if hasEnded {
            harness.disown(socket)
            harness.backend.submit(.close(socket), owner: nil)
        }
    }

    private func submitRest() {
        guard let inFlight, error == 0 else { return }
        let rest = UnsafeRawBufferPointer(rebasing: inFlight[sent...])
        harness.backend.submit(.send(socket, rest), owner: self)
    }
}
