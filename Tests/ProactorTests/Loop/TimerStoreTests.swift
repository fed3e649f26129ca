import Testing

@testable import Proactor

struct TimerStoreTests {
    /// A timer as the model knows it.
    private struct Timer {
        var when: Int64
        var sequence: UInt64
        var slot: Int32
    }

    /// How far deadlines lie from now: some in the past, some in one tick, some farther than any service looks.
    private static let horizons: [Int64] = [
        1, 1_000, 10_000, 1_000_000, 100_000_000, 10_000_000_000, 1_000_000_000_000, .max / 4,
    ]

    // Behaviour 4
    /// Against a sorted array: what is due, when, and in which order, in every mix of inserts and cancels.
    @Test(arguments: 0..<60 as Range<UInt64>)
    func givesOutWhatIsDueInOrder(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let store = TimerStore(thread: LoopThread()) { _ in Issue.record("a callback was taken for a job") }
        var model: [Timer] = []
        var ran: [UInt64] = []
        var now = Int64.random(in: 0...1_000_000_000_000, using: &random)
        var sequence: UInt64 = 0
        let reach = Self.horizons.prefix(Int.random(in: 1...Self.horizons.count, using: &random))
        let burst = [5, 40, 400].randomElement(using: &random)!
        for _ in 0..<300 {
            for _ in 0..<Int.random(in: 0...burst, using: &random) {
                let horizon = reach.randomElement(using: &random)!
                let when = now + Int64.random(in: -horizon / 4...horizon, using: &random)
                let number = sequence
                let slot = store.insert(.callback { ran.append(number) }, when: when, sequence: number)
                model.append(Timer(when: when, sequence: number, slot: slot))
                sequence += 1
            }
            for _ in 0..<Int.random(in: 0...burst, using: &random) where !model.isEmpty {
                let index = Int.random(in: 0..<model.count, using: &random)
                store.cancel(model[index].slot, model[index].sequence)
                model.swapAt(index, model.count - 1)
                model.removeLast()
            }
            #expect(store.count == model.count)
            checkEarliest(store, model)
            let step = min(reach.randomElement(using: &random)!, 1_000_000_000_000)
            now += Int64.random(in: 0...step, using: &random) / 2
            let due = model.filter { $0.when <= now }.sorted {
                ($0.when, $0.sequence) < ($1.when, $1.sequence)
            }
            model.removeAll { $0.when <= now }
            store.collectDue(at: now)
            #expect(store.dueCount == due.count)
            let dropped = due.filter { _ in Int.random(in: 0..<8, using: &random) == 0 }
            for timer in dropped { store.cancel(timer.slot, timer.sequence) }
            runDue(store)
            let droppedSequences = Set(dropped.map(\.sequence))
            #expect(ran == due.map(\.sequence).filter { !droppedSequences.contains($0) })
            ran.removeAll()
            for timer in due { store.cancel(timer.slot, timer.sequence) }
            #expect(store.count == model.count)
        }
        store.removeAll()
        #expect(store.count == 0)
        #expect(store.earliest == nil)
    }

    /// Waiting for what `earliest` says comes to every deadline, exactly then, and in few steps.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func waitingForTheEarliestReachesEveryDeadlineOnTime(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let store = TimerStore(thread: LoopThread()) { _ in }
        var now: Int64 = 12_345_678_901
        var ranAt: [Int64] = []
        var deadlines: [Int64] = []
        for sequence in 0..<500 as Range<UInt64> {
            let when =
                now + Int64.random(in: 0...Self.horizons.randomElement(using: &random)!, using: &random)
            deadlines.append(when)
            _ = store.insert(.callback { ranAt.append(when) }, when: when, sequence: sequence)
        }
        var steps = 0
        while let earliest = store.earliest {
            now = max(now, earliest)
            store.collectDue(at: now)
            let before = ranAt.count
            runDue(store)
            for when in ranAt[before...] { #expect(when == now) }
            steps += 1
        }
        #expect(ranAt == deadlines.sorted())
        #expect(steps < 1_000)
    }

    @Test
    func theLastInstantAndTheFirstAreDeadlinesLikeOthers() {
        let store = TimerStore(thread: LoopThread()) { _ in }
        var ran: [Int64] = []
        for (sequence, when) in [Int64.max, 0, .min, .max, -1, .max - 1].enumerated() {
            _ = store.insert(.callback { ran.append(when) }, when: when, sequence: UInt64(sequence))
        }
        store.collectDue(at: .max - 1)
        runDue(store)
        #expect(ran == [.min, -1, 0, .max - 1])
        #expect(store.earliest == .max)
        store.collectDue(at: .max)
        runDue(store)
        #expect(ran.suffix(2) == [.max, .max])
    }

    @Test
    func lettingGoOfTheStoreLetsGoOfItsTimers() {
        let lives = LifeCounter()
        do {
            let queue = TimerQueue(thread: LoopThread()) { _ in }
            for number in 0..<1000 as Range<Int64> {
                let object = lives.makeObject()
                _ = queue.insert(.callback { object.touch() }, at: LoopInstant(nanoseconds: number << 20))
            }
            #expect(lives.alive == 1000)
        }
        #expect(lives.alive == 0)
    }

    @Test
    func aHandleTellsThatItWasCancelledWhenItsSlotIsAnothers() {
        let queue = TimerQueue(thread: LoopThread()) { _ in }
        let first = queue.insert(.callback {}, at: LoopInstant(nanoseconds: 5))
        first.cancel()
        let second = queue.insert(.callback {}, at: LoopInstant(nanoseconds: 5))
        first.cancel()
        #expect(first.cancelled)
        #expect(!second.cancelled)
        #expect(queue.count == 1)
        let later = (0..<300).map { queue.insert(.callback {}, at: LoopInstant(nanoseconds: $0)) }
        second.cancel()
        #expect(second.cancelled)
        #expect(later.allSatisfy { !$0.cancelled })
        #expect(queue.count == 300)
    }

    // MARK: - Helpers

    private func checkEarliest(_ store: TimerStore, _ model: [Timer]) {
        let exact = model.map(\.when).min()
        if let exact, let earliest = store.earliest {
            #expect(earliest <= exact)
        } else {
            #expect(exact == nil && store.earliest == nil)
        }
    }

    private func runDue(_ store: TimerStore) {
        for index in 0..<store.dueCount {
            if case .callback(let callback) = store.takeDue(index) { try? callback() }
        }
        store.forgetDue()
    }
}

/// xorshift64*: the same numbers for the same seed, everywhere.
private struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
