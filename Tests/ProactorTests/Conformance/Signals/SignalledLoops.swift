import Foundation
import Testing

@testable import Proactor

/// Loops on threads of their own that wait for the same signal, each for so long as to hear it once.
final class SignalledLoops: Sendable {
    private struct State {
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

    func waitUntilReady() -> Bool { wait { $0.ready } }
    func waitUntilDone() -> Bool { wait { $0.done } }

    private func run(_ kind: LoopKind, _ signal: Signal) {
        do {
            let loop = try kind.makeLoop()
            try loop.addSignalHandler(signal) {
                self.change { $0.told += 1 }
                loop.stop()
            }
            try loop.callSoon { self.change { $0.ready += 1 } }
            try loop.runForever()
            try loop.removeSignalHandler(signal)
            try loop.turn()
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

    private func wait(_ reached: (State) -> Int) -> Bool {
        state.waitFor(timeout: TestLimit.wait) { reached($0) >= count ? true : nil } ?? false
    }
}
