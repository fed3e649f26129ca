import CUring
import Synchronization

/// What this process has found out about its kernel by trying it out: once, when a loop first needs it.
enum KernelFacts {
    private static let growth = Answer()
    private static let unixReceives = Answer()
    private static let reads = Answer()
    private static let counting = Answer()

    /// Whether queues can grow while the ring is in use.
    static var growthIsSafe: Bool {
        growth.value {
            let answer = curing_growth_is_safe()
            return answer < 0 ? nil : answer == 1
        }
    }

    /// Whether a multishot receive on a Unix socket tells of an end of stream that comes with the last bytes.
    static var unixReceivesEnd: Bool { unixReceives.value { findMultishotFacts()?.unix_receive_ends } }

    /// The same of multishot reads, of pipes and of sockets.
    static var readsEnd: Bool { reads.value { findMultishotFacts()?.read_ends } }

    /// Whether a multishot receive can be told to end after so many bytes.
    static var receivesCount: Bool { counting.value { findMultishotFacts()?.receive_counts } }

    /// Whether large queues cost a user nothing that is short: the kernel does not count them as locked memory. Such a kernel
    /// cannot make them larger later either, but for 6.13.
    static let queuesAreFree = !RingEnvironment.current().countsRings

    /// `nil` when there were no memory or descriptors to find out.
    private static func findMultishotFacts() -> curing_multishot_facts? {
        var facts = curing_multishot_facts()
        guard curing_find_multishot_facts(&facts) >= 0 else { return nil }
        // All are known now, whichever was asked for.
        _ = unixReceives.value { facts.unix_receive_ends }
        _ = reads.value { facts.read_ends }
        _ = counting.value { facts.receive_counts }
        return facts
    }
}

/// A fact that any thread may ask for. Threads that ask at once may each try it out, and find the same.
private final class Answer: Sendable {
    private let state = Atomic<UInt8>(0)

    /// The fact. As long as it cannot be found out, the answer is no, and the next who asks tries again.
    func value(_ findOut: () -> Bool?) -> Bool {
        let known = state.load(ordering: .relaxed)
        if known != 0 { return known == 2 }
        guard let found = findOut() else { return false }
        state.store(found ? 2 : 1, ordering: .relaxed)
        return found
    }
}
