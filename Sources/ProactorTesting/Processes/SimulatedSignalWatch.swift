import Glibc
import Proactor
import SystemPackage

/// ``SignalWatch`` of a simulated process.
final class SimulatedSignalWatch: SignalWatch {
    private unowned let process: SimulatedProcess
    private let file: SignalDescriptor
    let descriptor: FileDescriptor
    private var wanted: [Signal] = []
    private var ending: [Signal] = []
    private var pending: [Signal] = []
    private var hasBegunToEnd = false

    init(process: SimulatedProcess, file: SignalDescriptor, descriptor: FileDescriptor) {
        self.process = process
        self.file = file
        self.descriptor = descriptor
    }

    func add(_ signal: Signal) throws(SignalError) {
        guard (1...64).contains(signal.rawValue) else { throw .invalid(signal) }
        guard signal != .kill, signal != .stop else { throw .uncatchable(signal) }
        let faults = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP]
        guard !faults.contains(signal.rawValue) else { throw .raisedByInstructions(signal) }
        if !wanted.contains(signal) { wanted.append(signal) }
    }

    func setEnding(_ signal: Signal, _ ends: Bool) {
        ending.removeAll { $0 == signal }
        if ends { ending.append(signal) }
        hasBegunToEnd = false
    }

    func remove(_ signal: Signal) {
        wanted.removeAll { $0 == signal }
        pending.removeAll { $0 == signal }
        file.isReady = !pending.isEmpty
    }

    func take() -> [Signal] {
        defer {
            pending = []
            file.isReady = false
        }
        return pending
    }

    func close() {
        wanted = []
        process.signalWatches.removeAll { $0 === self }
        _ = process.close(descriptor)
    }

    /// Takes a signal, if it is wanted. Returns whether it was, and does not end the process.
    func deliver(_ signal: Signal) -> Bool {
        guard wanted.contains(signal) else { return false }
        if ending.contains(signal) {
            guard !hasBegunToEnd else { return false }
            hasBegunToEnd = true
        }
        if !pending.contains(signal) { pending.append(signal) }
        file.isReady = true
        file.changed()
        return true
    }
}

/// Readable while signals wait to be taken.
final class SignalDescriptor: OpenFile {
    var isReady = false
    override var readiness: Readiness { isReady ? .read : [] }
}

extension SimulatedProcess {
    /// A signal comes: to a handler, or with what it does by itself.
    func receive(_ signal: Signal) {
        guard isAlive else { return }
        world.note(.signal, host.index, Int64(signal.rawValue))
        var isHandled = false
        for watch in signalWatches where watch.deliver(signal) { isHandled = true }
        guard !isHandled else { return }
        let harmless = [SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP]
        guard !harmless.contains(signal.rawValue) else { return }
        // Not now: it may have sent it to itself.
        world.after(0) { [self] in end(-signal.rawValue) }
    }
}
