/// What an executor holds of a call: it notices when the executor lets go of it.
final class ThreadCallTicket: Sendable {
    private let call: ThreadCall

    init(_ call: ThreadCall) {
        self.call = call
    }

    deinit {
        call.abandon()
    }

    func run() {
        call.run()
    }
}
