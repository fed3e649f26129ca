import Proactor

/// Runs the work that would block at a moment of the simulation's choosing, on the simulation's thread.
///
/// `@unchecked Sendable`: loops and work of the simulation use it, on its thread.
final class SimulatedExecutor: WorkExecutor, @unchecked Sendable {
    private let process: SimulatedProcess
    private var pending = 0
    private var isShutDown = false
    private var shutdownCallbacks: [@Sendable () -> Void] = []

    /// What work takes that nothing slows down, in nanoseconds.
    private static let usualTime: Int64 = 20_000

    init(process: SimulatedProcess) {
        self.process = process
    }

    func submit(_ work: @escaping @Sendable () -> Void) throws {
        guard !isShutDown, process.isAlive else { throw ExecutorError.shutDown(name: "simulated") }
        let world = process.world
        pending += 1
        let isSlow = world.choices.happens(.slowWork)
        let delay = isSlow ? world.choices.amount(of: .slowWork, within: 1...20_000_000) : Self.usualTime
        world.after(delay + world.workLatency) { [self] in
            guard process.isAlive else { return }
            world.note(.work, process.host.index, 0)
            process.enter(work)
            pending -= 1
            if pending == 0, isShutDown { tellOfShutdown() }
        }
    }

    func shutdown(whenDone: @escaping @Sendable () -> Void) {
        isShutDown = true
        shutdownCallbacks.append(whenDone)
        if pending == 0 { tellOfShutdown() }
    }

    private func tellOfShutdown() {
        let callbacks = shutdownCallbacks
        shutdownCallbacks = []
        for callback in callbacks { callback() }
    }
}
