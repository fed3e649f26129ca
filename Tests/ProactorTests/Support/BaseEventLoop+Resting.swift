import Testing

@testable import Proactor

extension BaseEventLoop {
    /// Runs until `condition` holds, looking at it every millisecond, and leaves the processor to the threads that bring it
    /// about: the kernel's, or an executor's. An issue when it does not come to hold.
    func rest(
        until condition: () throws -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record("what was waited for did not come", sourceLocation: sourceLocation)
                throw TestError(number: -1)
            }
            try callLater(.milliseconds(1)) { self.stop() }
            try runForever()
        }
    }
}
