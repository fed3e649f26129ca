@testable import Proactor

extension BaseEventLoop {
    /// Runs until no task is left.
    func runUntilTasksAreDone() throws {
        while let task = tasks.all.first {
            task.whenDone { self.stop() }
            try runForever()
        }
    }
}
