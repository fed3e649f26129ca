import Foundation
import Testing

@testable import Proactor

/// Loops on threads of their own that wait for the same signal, each for so long as to hear it once.
final class SignalledLoops: Sendable {
    private struct State {
        var loops: [BaseEventLoop] = []
        var isStopped = false
        var ready = 0
        var told = 0
        var done = 0
        var failures: [String] = []
    }

    private let count: Int
    private let state = ConditionLock(State())

    init(count: Int, on kind: LoopKind, signal: Signal) {
        self.count = count
        for _ in 0..<count {
            Thread.detachNewThread { self.run(kind, signal) }
        }
    }

    var failures: [String] { state.withLock { $0.failures } }
    var toldCount: Int { state.withLock { $0.told } }

    /// False at once when one of them has failed.
    func waitUntilReady() -> Bool {
        state.waitFor(timeout: TestLimit.wait) { [count] in
            if !$0.failures.isEmpty { return false }
            return $0.ready >= count ? true : nil
        } ?? false
    }

    func waitUntilDone() -> Bool {
        state.waitFor(timeout: TestLimit.wait) { [count] in $0.done >= count ? true : nil } ?? false
    }

    /// Ends those that run, and those that will, without a signal.
    func stop() {
        let running = state.withLock { state in
            state.isStopped = true
            return state.loops
        }
        for loop in running { try? loop.callSoonThreadSafe { loop.stop() } }
        _ = waitUntilDone()
    }

    private func run(_ kind: LoopKind, _ signal: Signal) {
        do {
            let loop = try kind.makeLoop()
            try loop.addSignalHandler(signal) {
                self.change { $0.told += 1 }
                loop.stop()
            }
            try loop.callSoon {
                let isStopped = self.state.withLock { state in
                    state.loops.append(loop)
                    state.ready += 1
                    return state.isStopped
                }
                self.state.wakeAll()
                if isStopped { loop.stop() }
            }
            try loop.runForever()
            try loop.removeSignalHandler(signal)
            try loop.turn()
            self.change { $0.loops.removeAll { $0 === loop } }
            try loop.close()
        } catch {
            change { $0.failures.append("\(error)") }
        }
        change { $0.done += 1 }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock(body)
        state.wakeAll()
    }
}
