/// Makes a call of the cancel of a task that waits.
final class CancelCall: CancellableWait {
    let loop: BaseEventLoop
    private let call: () -> Void

    init(loop: BaseEventLoop, _ call: @escaping () -> Void) {
        self.loop = loop
        self.call = call
    }

    func cancelWait() {
        call()
    }
}
