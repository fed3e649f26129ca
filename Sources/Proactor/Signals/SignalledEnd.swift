/// Something that the first of some signals brings to its end: a program's main task, a server. The second of them ends the program
/// at once, by the kernel.
///
/// It is on while the loop has it: ``BaseEventLoop/addEnd(_:)``.
final class SignalledEnd {
    let signals: [Signal]
    private let onFirst: () -> Void
    /// The one that came.
    private(set) var signal: Signal?

    init(signals: [Signal], onFirst: @escaping () -> Void) {
        self.signals = signals
        self.onFirst = onFirst
    }

    func signalCame(_ signal: Signal) {
        precondition(self.signal == nil, "something that a signal ends was ended twice")
        self.signal = signal
        onFirst()
    }
}
