/// Tasks of one loop that wait for their turn, first come, first served.
///
/// A task enters it before it is suspended, so what frees the way in between finds it there. One that is cancelled leaves at
/// once: whoever is in the list can be woken.
final class WaitList {
    // Exclusivity: a list belongs to the loop's thread, and no method calls out while it changes these.
    @exclusivity(unchecked) private var first: Waiter?
    /// `next` of the one before it, or `first`, holds it.
    @exclusivity(unchecked) private unowned(unsafe) var last: Waiter?
    @exclusivity(unchecked) private(set) var count = 0

    deinit {
        // One after the other: each holds the next, and a long list would be released by recursion.
        while let waiter = first {
            first = waiter.next
            waiter.next = nil
        }
    }

    var isEmpty: Bool { count == 0 }

    /// Waits behind those who wait already.
    nonisolated(nonsending) func wait(on loop: BaseEventLoop) async -> WaitOutcome {
        let waiter = loop.waiters.take(for: loop)
        append(waiter)
        await waiter.suspend()
        let outcome = waiter.outcome
        loop.waiters.giveBack(waiter)
        return outcome
    }

    /// As ``wait(on:)``, and returns what the task was woken with too.
    nonisolated(nonsending) func waitForValue(on loop: BaseEventLoop) async -> (
        outcome: WaitOutcome, value: Int
    ) {
        let waiter = loop.waiters.take(for: loop)
        append(waiter)
        await waiter.suspend()
        let result = (waiter.outcome, waiter.value)
        loop.waiters.giveBack(waiter)
        return result
    }

    /// As ``wait(on:)``, and a cancel changes nothing.
    nonisolated(nonsending) func waitRegardless(on loop: BaseEventLoop) async {
        let waiter = loop.waiters.take(for: loop)
        append(waiter)
        await waiter.suspendRegardless()
        loop.waiters.giveBack(waiter)
    }

    /// Wakes the one who has waited longest. Returns false when nobody waits.
    @discardableResult
    func wakeFirst(with value: Int = 0) -> Bool {
        guard let waiter = first else { return false }
        remove(waiter)
        waiter.wake(with: value)
        return true
    }

    /// Wakes one who waits, whoever is before it.
    func wake(_ waiter: Waiter) {
        remove(waiter)
        waiter.wake(with: 0)
    }

    /// Wakes all who wait now.
    func wakeAll(with value: Int = 0) {
        while wakeFirst(with: value) {}
    }

    func append(_ waiter: Waiter) {
        waiter.queue(in: self)
        waiter.previous = last
        if let last { last.next = waiter } else { first = waiter }
        last = waiter
        count += 1
    }

    func remove(_ waiter: Waiter) {
        precondition(waiter.list === self, "a waiter was taken out of a list that it is not in")
        let (previous, next) = (waiter.previous, waiter.next)
        if let next { next.previous = previous } else { last = previous }
        if let previous { previous.next = next } else { first = next }
        waiter.next = nil
        waiter.previous = nil
        count -= 1
    }
}
