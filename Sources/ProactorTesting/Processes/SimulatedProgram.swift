import Glibc
import Proactor

/// What a child process runs that is started by a path.
final class SimulatedProgram {
    private let body: @isolated(any) (SimulatedChild) async throws -> Int32

    init(_ body: @escaping @isolated(any) (SimulatedChild) async throws -> Int32) {
        self.body = body
    }

    /// Runs it as the child's, on a loop of the child's own, whose end is the child's.
    func run(_ context: SimulatedChild, in child: SimulatedProcess) {
        guard child.isAlive else { return }
        do {
            let stepped = try child.makeLoop()
            let loop = stepped.loop
            // All of it is on the simulation's thread.
            nonisolated(unsafe) let body = body
            nonisolated(unsafe) let context = context
            let task = child.enter { loop.createTask(name: nil) { try await body(context) } }
            task.addDoneCallback { [weak child, weak stepped] task in
                guard let child, let stepped else { return }
                let code = (try? task.result()) ?? 1
                stepped.loop.stop()
                child.world.after(0) {
                    child.world.note(.childEnded, child.host.index, Int64(child.pid))
                    child.end(code)
                }
            }
            try stepped.begin()
        } catch {
            child.end(127)
        }
    }
}
