/// Where the code of a thread runs that runs in a simulation: it makes the loops that are made there.
package final class SimulatedPlace {
    private static let places = ThreadLocalObject()

    private let make: () throws -> any AbstractEventLoop

    /// - Parameter make: what makes a loop.
    package init(makingLoops make: @escaping () throws -> any AbstractEventLoop) {
        self.make = make
    }

    /// The calling thread's; `nil` outside of simulations.
    package static var current: SimulatedPlace? {
        get { places.value as? SimulatedPlace }
        set { places.value = newValue }
    }

    func makeLoop() throws -> any AbstractEventLoop { try make() }
}
