import Proactor

/// Gives a waiting task the result that it waits for, once a turn.
final class FuturePump {
    var wanted = 0

    private let loop: BaseEventLoop
    private let futures: [Future<Void>]
    private var isOn = true
    private lazy var again: () throws -> Void = { try self.step() }

    init(loop: BaseEventLoop, futures: [Future<Void>]) {
        self.loop = loop
        self.futures = futures
    }

    /// To be called outside of any task: within one, every callback would be given a task of its own, to carry the
    /// task-local values.
    func start() throws {
        try loop.callSoon(again)
    }

    func stop() { isOn = false }

    private func step() throws {
        guard isOn else {
            // It holds the pump.
            again = {}
            return
        }
        if !futures[wanted].done { try futures[wanted].setResult(()) }
        try loop.callSoon(again)
    }
}
