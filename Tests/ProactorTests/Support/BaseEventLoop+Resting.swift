import Testing

@testable import Proactor

extension BaseEventLoop {
    /// Runs until `condition` holds, looking at it every millisecond, and leaves the processor to the threads that bring it
    /// about: the kernel's, or an executor's. An issue when it does not come to hold.
    func rest(
        until condition: () throws -> Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try run(until: condition, sourceLocation) {
            try callLater(.milliseconds(1)) { self.stop() }
            try runForever()
        }
    }
}
