import CPosix

/// What another library of this package asks of a loop that puts an interface of its own over it.
///
/// Callbacks that come in this way see no task-local values: who schedules within a task pays nothing for capturing them.
extension BaseEventLoop {
    /// Whether the caller is on the loop's thread. Any thread.
    package var isOnOwnThread: Bool {
        @inline(__always) get { isOnLoopThread }
    }

    /// The loop that runs on the calling thread, if one does.
    package static var running: BaseEventLoop? { runningLoop() }

    /// Runs `callback` in the next turn, in the order of the calls. On the loop's thread only, and not when it is closed.
    @inline(__always)
    package func callSoonWithoutContext(_ callback: @escaping () -> Void) {
        ready.push(.callback(callback))
    }

    /// As ``callSoonWithoutContext(_:)``, from any thread. Returns false when the loop is closed, and drops the callback.
    package func postWithoutContext(_ callback: @escaping () -> Void) -> Bool {
        inbox.post(.callback(callback))
    }

    /// Runs `callback` at an instant of the loop's clock. On the loop's thread only, and not when it is closed.
    package func callAtWithoutContext(_ when: LoopInstant, _ callback: @escaping () -> Void) -> TimerHandle {
        timers.insert(.callback(callback), at: when)
    }

    /// What stands over this loop; `make` makes it when there is nothing yet. Any thread. A closed loop keeps none.
    package func companion<Companion: LoopCompanion>(orMake make: () -> Companion) -> Companion {
        companions.withLock { slot in
            if let companion = slot as? Companion { return companion }
            precondition(slot == nil, "two libraries stand over one event loop")
            let companion = make()
            if runState != .closed { slot = companion }
            return companion
        }
    }

    /// What stands over this loop, if anything does. Any thread.
    package var companion: (any LoopCompanion)? { companions.withLock { $0 } }

    /// The loop closes: tells who stands over it, and lets go of that.
    func dismissCompanion() {
        companions.withLock { $0 }?.loopWillClose()
        companions.withLock { $0 = nil }
    }
}

/// What stands over a loop. The loop keeps it until it is closed.
package protocol LoopCompanion: AnyObject {
    /// The loop takes nothing more, and lets go of all it has when this returns. Called on the thread that closes it, which may do
    /// what the loop's own may. Not called in a fork's child.
    func loopWillClose()
}
