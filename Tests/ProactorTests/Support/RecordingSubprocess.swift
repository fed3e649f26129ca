@testable import Proactor

/// Writes down what its child's transport tells it, and does what a test hangs in.
final class RecordingSubprocess: SubprocessProtocol {
    enum Event: Equatable {
        case made, exited, lost, pausedWriting, resumedWriting
        case pipeLost(Int32)
    }

    /// All but data.
    private(set) var events: [Event] = []
    private(set) var output: [UInt8] = []
    private(set) var errors: [UInt8] = []
    private(set) var pipeErrors: [Int32: any Error] = [:]
    private(set) var lostErrors: [(any Error)?] = []
    private(set) weak var transport: (any SubprocessTransport)?

    var onMade: ((any SubprocessTransport) throws -> Void)?
    var onData: ((Int32) throws -> Void)?
    var onExit: (() -> Void)?
    /// Called after each event, data among them.
    var onAnything: (() -> Void)?

    var outputText: String { String(decoding: output, as: UTF8.self) }
    var errorText: String { String(decoding: errors, as: UTF8.self) }
    var lostCount: Int { lostErrors.count }

    func connectionMade(_ transport: any SubprocessTransport) throws {
        self.transport = transport
        note(.made)
        try onMade?(transport)
    }

    func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) throws {
        data.withUnsafeBytes { bytes in
            if descriptor == 1 { output += bytes } else { errors += bytes }
        }
        try onData?(descriptor)
        onAnything?()
    }

    func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?) {
        pipeErrors[descriptor] = error
        note(.pipeLost(descriptor))
    }

    func processExited() {
        onExit?()
        note(.exited)
    }

    func connectionLost(_ error: (any Error)?) {
        lostErrors.append(error)
        note(.lost)
    }

    func pauseWriting() {
        note(.pausedWriting)
    }

    func resumeWriting() {
        note(.resumedWriting)
    }

    private func note(_ event: Event) {
        events.append(event)
        onAnything?()
    }
}
