/// Why a simulation cannot go on, or has failed.
///
/// ```swift
/// do {
///     try simulation.run(until: { isDone })
/// } catch SimulationError.stalled {
///     print("everybody waits for somebody else")
/// }
/// ```
public enum SimulationError: Error, Hashable, Sendable {
    /// There is no host of that name.
    case unknownHost(String)
    /// A host of that name exists already.
    case hostExists(String)
    /// The host is down, and what was asked needs it up, or the other way round.
    case wrongState(host: String, String)
    /// The scenario took more turns of loops than it may.
    case stepLimit(Int)
    /// A loop of the host runs on and on, and nothing happens.
    case spinning(host: String)
    /// Nothing is left that could happen, and what was waited for has not.
    case stalled
    /// What was waited for has not come within the simulated time.
    case timeLimit(Duration)
    /// The program of a host has thrown an error; its description.
    case programFailed(host: String, String)
    /// A descriptor of the real system was used in the simulation.
    case realDescriptor(Int32)
    /// A descriptor was closed that was not open.
    case closedTwice(Int32)
    /// A thread of the real system called into the simulation.
    case realThread
    /// At the end something was left of what the host's loops have made.
    case leftovers(host: String, String)
}

extension SimulationError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownHost(let name):
            "there is no host '\(name)' in the simulation: add it with host(_:)"
        case .hostExists(let name):
            "the simulation has a host '\(name)' already: use host(named:) to find it"
        case .wrongState(let host, let reason):
            "host '\(host)' \(reason)"
        case .stepLimit(let limit):
            "the scenario took more than \(limit) turns: it may never end; give it an end, or raise stepsMax"
        case .spinning(let host):
            "a loop of host '\(host)' runs without end and nothing happens: look for callbacks that schedule each other, or "
                + "sleep for no time"
        case .stalled:
            "nothing is left that could happen, and what the scenario waits for has not: somebody waits for bytes, a "
                + "connection or a future that never comes"
        case .timeLimit(let limit):
            "what the scenario waits for has not come within \(limit) of simulated time: run it longer, or look for a "
                + "timer that keeps it going"
        case .programFailed(let host, let error):
            "the program of host '\(host)' failed: \(error)"
        case .realDescriptor(let number):
            "descriptor \(number) is none of the simulation's: make sockets, pipes and files by the simulated loop"
        case .closedTwice(let number):
            "descriptor \(number) was closed and is not open: close it once, for in a real system the number may be somebody "
                + "else's by then"
        case .realThread:
            "another thread has called into the simulation: use the loop's own sleep, executor and tasks in place of "
                + "Task.sleep, Task.detached, Dispatch and threads"
        case .leftovers(let host, let what):
            "at its end host '\(host)' had left over: \(what)"
        }
    }
}
