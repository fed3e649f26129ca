import Testing

@testable import Proactor

@Suite struct ConditionLockTests {
    /// The system refuses a time before its clock began. A wait that took that for a wake-up would hold the lock for ever.
    @Test(arguments: [Duration.zero, .nanoseconds(-1), .seconds(-1_000_000_000), .nanoseconds(Int64.min)])
    func aWaitWithoutTimeIsOver(timeout: Duration) {
        let lock = ConditionLock(0)
        var looks = 0
        let result: Int? = lock.waitFor(timeout: timeout) { _ in
            looks += 1
            return looks > 100 ? looks : nil
        }
        #expect(result == nil)
        #expect(lock.withLock { $0 } == 0)
    }

    @Test func aWaitWithoutEndIsWoken() async throws {
        let lock = ConditionLock(false)
        try SystemThread.start(name: "wakes") {
            lock.withLock { $0 = true }
            lock.wakeAll()
        }
        #expect(lock.waitFor(timeout: .seconds(Int64.max)) { $0 ? true : nil } == true)
    }
}
