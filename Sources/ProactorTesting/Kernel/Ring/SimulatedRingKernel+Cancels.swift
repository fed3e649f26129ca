import Glibc
import Proactor

/// Cancels, which may come too late.
extension SimulatedRingKernel {
    func cancel(_ target: UInt64, _ name: UInt64) {
        guard let slot = requests.find(target), !requests[slot].isBehind, !requests[slot].isEnding else {
            return postLast(name, -ENOENT)
        }
        guard !isCrashed else {
            complete(slot, -ECANCELED)
            return postLast(name, 0)
        }
        let isSingle = !requests[slot].work.isMultishot
        if world.choices.happens(.cancelRaces) {
            // The kernel is just about to try it.
            if !isSplice(slot) { attempt(slot) }
            let isOver = !requests[slot].isUnderWay || requests[slot].name != target
            world.note(.cancel, process.host.index, isOver ? 1 : 0)
            // What ends with a completion is out of a cancel's reach meanwhile.
            if isOver || isSingle && requests[slot].isWatching && !isAccept(slot) {
                return postLast(name, -ENOENT)
            }
        } else if requests[slot].hasBegun || requests[slot].held != nil,
            world.choices.happens(.lateCompletions)
        {
            return cancelLater(slot, name)
        }
        world.note(.cancel, process.host.index, 0)
        let comesFirst = world.choices.happens(.completionOrder)
        if comesFirst { postLast(name, 0) }
        if requests[slot].isWatching, comesFirst, world.choices.happens(.lateCompletions) {
            // What waits for its file ends by work of the task's, which is done when the loop enters the kernel the next time, or
            // the time after that.
            requests[slot].isEnding = true
            endLater(slot)
        } else {
            end(slot)
        }
        if !comesFirst { postLast(name, 0) }
    }

    private func end(_ slot: Int) {
        let isInterrupted = isSplice(slot) && requests[slot].hasBegun
        complete(slot, isInterrupted ? -EINTR : -ECANCELED, requests[slot].nameOfHeld)
    }

    private func isSplice(_ slot: Int) -> Bool {
        if case .splice = requests[slot].work { true } else { false }
    }

    private func isAccept(_ slot: Int) -> Bool {
        if case .accept = requests[slot].work { true } else { false }
    }

    /// What a thread of the kernel's has ends some time after it was asked to, or as it would have.
    private func cancelLater(_ slot: Int, _ name: UInt64) {
        postLast(name, -EALREADY)
        endLater(slot)
    }

    private func endLater(_ slot: Int) {
        let generation = requests[slot].generation
        let delay = world.choices.amount(of: .lateCompletions, within: 1_000...100_000)
        world.after(delay) { [weak self] in
            guard let self, !isCrashed, requests.isCurrent(slot, generation) else { return }
            world.note(.cancel, process.host.index, 0)
            end(slot)
        }
    }

    func cancelAll(_ name: UInt64) {
        nameOfCancelAll = name
        var count: Int32 = 0
        for slot in requests.indices where requests[slot].isUnderWay {
            count += 1
            end(slot)
        }
        postLast(name, count > 0 ? count : -ENOENT)
    }
}
