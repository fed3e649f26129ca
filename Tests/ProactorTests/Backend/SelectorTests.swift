import Glibc
import SystemPackage
import Testing

@testable import Proactor

@Suite struct SelectorTests {
    private func makeSelector(_ kind: SelectorKind) throws -> any Proactor.Selector {
        switch kind {
        case .epoll: try EpollSelector()
        case .poll: PollSelector()
        case .select: SelectSelector()
        }
    }

    private func wait(
        _ selector: any Proactor.Selector,
        timeoutNanoseconds: Int64 = 0,
        roomFor capacity: Int = 64
    ) -> [ReadyDescriptor] {
        let ready = UnsafeMutableBufferPointer<ReadyDescriptor>.allocate(capacity: capacity)
        defer { ready.deallocate() }
        let count = selector.wait(timeoutNanoseconds: timeoutNanoseconds, into: ready)
        return Array(ready[..<count])
    }

    /// The selector sleeps through its whole wait, until another descriptor has something to tell.
    private func expectSilence(
        of selector: EpollSelector,
        untilWritingTo peer: FileDescriptor,
        wakes other: FileDescriptor,
        _ harness: SelectorHarness
    ) throws {
        #expect(wait(selector).isEmpty)
        let start = harness.backend.system.now()
        #expect(wait(selector, timeoutNanoseconds: 2_000_000).isEmpty)
        #expect(start.duration(to: harness.backend.system.now()) >= .milliseconds(2))
        try peer.writeAll([2])
        #expect(wait(selector, timeoutNanoseconds: -1).map(\.descriptor) == [other.rawValue])
    }

    /// A high number of the selector's own, for ``SelectorHarness/duplicate(_:at:)``.
    private func index(_ base: Int32, _ kind: SelectorKind) -> Int32 {
        base + Int32(SelectorKind.allCases.firstIndex(of: kind)!)
    }

    @Test(arguments: SelectorKind.allCases) func findsWhatItWatchesFor(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let selector = try makeSelector(kind)
        defer { selector.close() }
        let (local, peer) = try harness.pair()
        #expect(wait(selector).isEmpty)
        try selector.watch(local.rawValue, for: .read)
        #expect(wait(selector).isEmpty)
        try selector.watch(local.rawValue, for: [.read, .write])
        #expect(wait(selector).map(\.readiness) == [.write])
        try peer.writeAll([1])
        let found = wait(selector)
        #expect(found.map(\.readiness) == [[.read, .write]])
        #expect(found.map(\.descriptor) == [local.rawValue])
        try selector.watch(local.rawValue, for: .read)
        #expect(wait(selector).map(\.readiness) == [.read])
        try selector.watch(local.rawValue, for: [])
        #expect(wait(selector).isEmpty)
    }

    @Test(arguments: SelectorKind.allCases) func noneStarvesWhenTooManyAreReady(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let selector = try makeSelector(kind)
        defer { selector.close() }
        var expected: Set<Int32> = []
        for _ in 0..<80 {
            let (local, _) = try harness.pair()
            try selector.watch(local.rawValue, for: .write)
            expected.insert(local.rawValue)
        }
        var found: Set<Int32> = []
        for _ in 0..<8 { found.formUnion(wait(selector).map(\.descriptor)) }
        #expect(found == expected)
    }

    @Test(arguments: SelectorKind.allCases) func watchesHighNumbers(_ kind: SelectorKind) throws {
        let harness = try SelectorHarness(kind)
        let selector = try makeSelector(kind)
        defer { selector.close() }
        let (local, peer) = try harness.pair()
        // Above the C library's FD_SETSIZE where the limit allows.
        let high = try harness.duplicate(local, at: index(16, kind))
        harness.adopt(high)
        try selector.watch(high.rawValue, for: .read)
        #expect(wait(selector).isEmpty)
        try peer.writeAll([1])
        #expect(wait(selector, timeoutNanoseconds: -1).map(\.descriptor) == [high.rawValue])
    }

    @Test(arguments: [SelectorKind.poll, .select]) func aClosedDescriptorIsReadyToSayEBADF(
        _ kind: SelectorKind
    ) throws {
        let harness = try SelectorHarness(kind)
        let selector = try makeSelector(kind)
        defer { selector.close() }
        let (local, peer) = try harness.pair()
        let gone = try harness.duplicate(local, at: index(24, kind))
        try selector.watch(gone.rawValue, for: .read)
        try selector.watch(peer.rawValue, for: .read)
        try gone.close()
        let found = wait(selector, timeoutNanoseconds: -1)
        #expect(found.map(\.descriptor) == [gone.rawValue])
        #expect(found.allSatisfy { $0.readiness.contains(.read) })
        try selector.watch(gone.rawValue, for: [])
        try local.writeAll([1])
        #expect(wait(selector, timeoutNanoseconds: -1).map(\.descriptor) == [peer.rawValue])
    }

    // Pitfall 43
    @Test func aRegistrationThatOutlivesItsDescriptorIsShaken() async throws {
        // On a thread of its own, so that nothing cuts its wait short: on one that had a ring, the kernel ends that ring some
        // time after it was closed, and interrupts the thread for it.
        try await onThread {
            let harness = try SelectorHarness(.epoll)
            let selector = try EpollSelector()
            defer { selector.close() }
            let (local, peer) = try harness.pair()
            let (other, otherPeer) = try harness.pair()
            let gone = try harness.duplicate(local, at: 32)
            try selector.watch(gone.rawValue, for: .read)
            try selector.watch(other.rawValue, for: .read)
            // Its file is still open, as `local`: the kernel keeps reporting the number.
            try gone.close()
            try selector.watch(gone.rawValue, for: [])
            try peer.writeAll([1])
            try expectSilence(of: selector, untilWritingTo: otherPeer, wakes: other, harness)
        }
    }

    // Pitfall 43
    @Test func aClosedDescriptorDoesNotKeepARegistrationFromBeingShaken() async throws {
        try await onThread {
            let harness = try SelectorHarness(.epoll)
            let selector = try EpollSelector()
            defer { selector.close() }
            let (local, peer) = try harness.pair()
            let (other, otherPeer) = try harness.pair()
            let (gone, closed) = (try harness.duplicate(local, at: 35), try harness.duplicate(other, at: 38))
            try selector.watch(gone.rawValue, for: .read)
            // Closed unannounced, and nothing is left of it that a new instance could be told.
            try selector.watch(closed.rawValue, for: .read)
            try selector.watch(other.rawValue, for: .read)
            try closed.close()
            try gone.close()
            try selector.watch(gone.rawValue, for: [])
            try peer.writeAll([1])
            try expectSilence(of: selector, untilWritingTo: otherPeer, wakes: other, harness)
        }
    }

    @Test(arguments: SelectorKind.allCases)
    func dataThatNobodyReadsWakesNobodyWhoWaitsForAHangUp(_ kind: SelectorKind) async throws {
        try await onThread {
            let harness = try SelectorHarness(kind)
            let selector = try makeSelector(kind)
            defer { selector.close() }
            let (local, peer) = try harness.pair()
            try selector.watch(local.rawValue, for: .hangUp)
            try peer.writeAll([1])
            #expect(wait(selector).isEmpty)
            let start = harness.backend.system.now()
            #expect(wait(selector, timeoutNanoseconds: 2_000_000).isEmpty)
            #expect(start.duration(to: harness.backend.system.now()) >= .milliseconds(2))
        }
    }

    @Test func selectIsToldOfANumberThatTheKernelWouldPassOver() {
        let selector = SelectSelector()
        #expect(throws: Errno.badFileDescriptor) { try selector.watch(1 << 20, for: .read) }
        #expect(throws: Never.self) { try selector.watch(1 << 20, for: []) }
    }

    // Pitfall 15
    // Pitfall 43
    @Test func anOldRegistrationsEventIsNotTheNewOnes() throws {
        let harness = try SelectorHarness(.epoll)
        let selector = try EpollSelector()
        defer { selector.close() }
        let (old, oldPeer) = try harness.pair()
        let (new, newPeer) = try harness.pair()
        let reused = try harness.duplicate(old, at: 33)
        try selector.watch(reused.rawValue, for: .read)
        try reused.close()
        try selector.watch(reused.rawValue, for: [])
        harness.adopt(try harness.duplicate(new, at: 33))
        try selector.watch(reused.rawValue, for: .read)
        try oldPeer.writeAll([1])
        #expect(wait(selector).isEmpty)
        try newPeer.writeAll([2])
        #expect(wait(selector, timeoutNanoseconds: -1).map(\.descriptor) == [reused.rawValue])
    }

    // Pitfall 42
    @Test func aDescriptorReplacedUnannouncedIsRegisteredAnew() throws {
        let harness = try SelectorHarness(.epoll)
        let selector = try EpollSelector()
        defer { selector.close() }
        let (old, _) = try harness.pair()
        let (new, newPeer) = try harness.pair()
        let reused = try harness.duplicate(old, at: 34)
        harness.adopt(reused)
        try selector.watch(reused.rawValue, for: .read)
        try harness.replace(reused, by: new)
        // The book says that this is a change, the kernel that it knows nothing.
        try selector.watch(reused.rawValue, for: [.read, .write])
        try newPeer.writeAll([1])
        #expect(wait(selector).map(\.readiness) == [[.read, .write]])
    }

    // Pitfall 42
    @Test func aDescriptorThatComesBackUnannouncedIsRegisteredAnew() throws {
        let harness = try SelectorHarness(.epoll)
        let selector = try EpollSelector()
        defer { selector.close() }
        let (local, peer) = try harness.pair()
        let gone = try harness.duplicate(local, at: 36)
        try selector.watch(gone.rawValue, for: .read)
        // The book forgets it; the kernel does not, while the file is open elsewhere.
        try gone.close()
        try selector.watch(gone.rawValue, for: [])
        try harness.replace(gone, by: local)
        harness.adopt(gone)
        try selector.watch(gone.rawValue, for: .read)
        try peer.writeAll([1])
        #expect(wait(selector, timeoutNanoseconds: -1).map(\.descriptor) == [gone.rawValue])
    }

    @Test func aFailedChangeLeavesTheFormerInterest() throws {
        let harness = try SelectorHarness(.epoll)
        let selector = try EpollSelector()
        defer { selector.close() }
        let file = try FileDescriptor.open("/proc/self/exe", .readOnly)
        harness.adopt(file)
        #expect(throws: Errno.notPermitted) { try selector.watch(file.rawValue, for: .read) }
        try selector.watch(file.rawValue, for: [])
        #expect(wait(selector).isEmpty)
    }
}
