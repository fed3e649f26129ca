import CPosix
import SystemPackage

/// ``SignalWatch`` on the real kernel. Thread rule: the loop's thread.
final class LinuxSignalWatch: SignalWatch {
    let descriptor: FileDescriptor
    // Valid until `close`, after which nothing is called any more.
    private let watch: OpaquePointer

    init() throws(Errno) {
        var watch: OpaquePointer?
        var event: Int32 = -1
        let result = cposix_signals_open(&watch, &event)
        guard result >= 0, let watch else { throw Errno(rawValue: -result) }
        self.watch = watch
        descriptor = FileDescriptor(rawValue: event)
    }

    func add(_ signal: Signal) throws(SignalError) {
        let result = cposix_signals_add(watch, signal.rawValue)
        guard result < 0 else { return }
        switch Errno(rawValue: -result) {
        case .notPermitted: throw .uncatchable(signal)
        case .notSupported: throw .raisedByInstructions(signal)
        case .invalidArgument: throw .invalid(signal)
        case let errno: throw .failed(signal, errno)
        }
    }

    func setEnding(_ signal: Signal, _ ends: Bool) {
        // It has been taken over before, so that can be done again.
        let result = cposix_signals_set_ending(watch, signal.rawValue, ends)
        precondition(result >= 0, "a signal could not be handled again")
    }

    func remove(_ signal: Signal) {
        cposix_signals_remove(watch, signal.rawValue)
    }

    func take() -> [Signal] {
        var rest = cposix_signals_take(watch)
        var signals: [Signal] = []
        while rest != 0 {
            signals.append(Signal(rawValue: Int32(rest.trailingZeroBitCount) + 1))
            rest &= rest - 1
        }
        return signals
    }

    func close() {
        cposix_signals_close(watch)
    }
}
