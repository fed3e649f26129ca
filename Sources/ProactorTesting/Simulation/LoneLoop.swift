import Proactor

/// A simulated loop with a world of its own, which goes when the loop is closed: for tests of the library's.
package enum LoneLoop {
    /// Makes one, to be run by whoever has it.
    ///
    /// - Parameter wrap: puts something between the loop and its backend.
    package static func make(
        _ face: SimulatedFace,
        seed: UInt64 = 1,
        faults: SimulationFaults = .none,
        wrapping wrap: (any CompletionBackend) -> any CompletionBackend = { $0 }
    ) throws -> BaseEventLoop {
        let world = SimulatedWorld(
            seed: seed,
            faults: faults,
            face: face,
            allowed: 0..<Int.max,
            stepsMax: .max
        )
        let host = HostKernel(world: world, name: "localhost", index: 0)
        world.add(host)
        let process = host.makeProcess()
        process.isAlone = true
        return try process.makeLoop(wrapping: wrap).loop
    }
}
