import Glibc
import Proactor
import ProactorTesting
import SystemPackage
import Testing

/// What is wrong with a scenario is said by an error that tells what to do instead.
@Suite struct MisuseTests {
    @Test func aHostThatIsNotThere() throws {
        let simulation = Simulation(seed: 1)
        try simulation.host("a")
        #expect(throws: SimulationError.unknownHost("b")) { try simulation.host(named: "b") }
        #expect(throws: SimulationError.unknownHost("b")) { try simulation.partition(["a", "b"]) }
        #expect(throws: SimulationError.unknownHost("b")) {
            try simulation.setLink(SimulatedLink(), between: "a", and: "b")
        }
        #expect(throws: SimulationError.hostExists("a")) { try simulation.host("a") }
    }

    @Test(arguments: SimulatedFace.allCases)
    func aScenarioThatWaitsForEver(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        try simulation.host("host").start { try await getRunningLoop().createFuture(of: Void.self).value() }
        #expect(throws: SimulationError.stalled) { try simulation.run(until: { false }) }
        try simulation.finish()
    }

    /// A cancelled task is waited for that will never go on.
    @Test(arguments: SimulatedFace.allCases)
    func aProgramThatNeverEnds(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        try simulation.host("host").start {
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
        try simulation.run(for: .seconds(1))
        #expect(throws: SimulationError.stalled) { try simulation.finish() }
    }

    /// A cancelled task is waited for that does not care.
    @Test(arguments: SimulatedFace.allCases)
    func aProgramThatEndsByNoCancellation(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        try simulation.host("host").start {
            let loop = try getRunningLoop()
            try? await sleep(for: .seconds(100))
            while true {
                await withUnsafeContinuation { (turn: UnsafeContinuation<Void, Never>) in
                    _ = try? loop.callSoon { turn.resume() }
                }
            }
        }
        try simulation.run(for: .seconds(1))
        #expect(throws: SimulationError.spinning(host: "host")) { try simulation.finish() }
    }

    /// A socket that is closed by hand, and by its owner after that.
    @Test(arguments: SimulatedFace.allCases)
    func aDescriptorThatIsClosedTwice(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        let number = Mutable<Int32>(0)
        try simulation.host("host").start {
            guard let loop = try getRunningLoop() as? BaseEventLoop else { return }
            let socket = try loop.backend.system.makeSocket(.ipv4, .stream, protocolNumber: 0)
            number.value = socket.rawValue
            try loop.backend.system.close(socket)
            try? loop.backend.system.close(socket)
        }
        let error = #expect(throws: SimulationError.self) { try simulation.run(for: .seconds(1)) }
        #expect(error == .closedTwice(number.value))
    }

    private final class Mutable<Value> {
        var value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    @Test func aScenarioThatGoesOnForEver() throws {
        let simulation = Simulation(seed: 1)
        try simulation.host("host").start { while true { try await sleep(for: .seconds(1)) } }
        #expect(throws: SimulationError.timeLimit(.seconds(60))) {
            try simulation.run(until: { false }, within: .seconds(60))
        }
        try simulation.finish()
    }

    @Test func aScenarioOfTooManySteps() throws {
        let simulation = Simulation(seed: 1, stepsMax: 500)
        try simulation.host("host").start { while true { try await sleep(for: .seconds(1)) } }
        #expect(throws: SimulationError.stepLimit(500)) { try simulation.run(for: .seconds(10_000)) }
    }

    @Test(arguments: SimulatedFace.allCases)
    func aLoopThatSpins(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        try simulation.host("busy").start { while true { try await sleep(for: .zero) } }
        #expect(throws: SimulationError.spinning(host: "busy")) { try simulation.run(for: .seconds(1)) }
    }

    @Test(arguments: SimulatedFace.allCases)
    func aDescriptorOfTheRealSystem(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        // Whatever is behind it: the simulation's own numbers begin higher.
        let real: Int32 = 5
        try simulation.host("host").start {
            _ = try await getRunningLoop().sockRecv(FileDescriptor(rawValue: real), upTo: 10)
        }
        #expect(throws: SimulationError.realDescriptor(real)) { try simulation.run(for: .seconds(1)) }
    }

    @Test func aThreadOfTheRealSystem() throws {
        let simulation = Simulation(seed: 1)
        var loop: (any AbstractEventLoop)?
        try simulation.host("host").start { loop = try getRunningLoop() }
        try simulation.run(for: .seconds(1))
        // The thread is over before the simulation goes on.
        let running = try #require(loop as? BaseEventLoop)
        let thread = pthread_t.running { try? running.callSoonThreadSafe {} }
        pthread_join(thread, nil)
        #expect(throws: SimulationError.realThread) { try simulation.run(for: .seconds(1)) }
    }

    @Test(arguments: SimulatedFace.allCases)
    func aProgramThatFails(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 1, face: face)
        try simulation.host("host").start { throw Errno.badAddress }
        #expect(throws: SimulationError.programFailed(host: "host", "\(Errno.badAddress)")) {
            try simulation.run(for: .seconds(1))
        }
    }

    @Test func aHostThatRunsIsNotStartedAgain() throws {
        let simulation = Simulation(seed: 1)
        let host = try simulation.host("host")
        host.start {}
        #expect(throws: SimulationError.self) { try host.restart() }
        try simulation.finish()
    }

    @Test func eachErrorSaysWhatToDo() {
        let errors: [SimulationError] = [
            .unknownHost("a"), .stepLimit(1), .spinning(host: "a"), .stalled, .timeLimit(.seconds(1)),
            .realThread,
            .realDescriptor(5), .closedTwice(70),
        ]
        for error in errors { #expect(error.description.contains(": ")) }
    }
}

extension pthread_t {
    /// A thread that runs `body`.
    fileprivate static func running(_ body: @escaping @Sendable () -> Void) -> pthread_t {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(ThreadBody(body))
        pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                // Retained for this thread, and taken once.
                Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            },
            box.toOpaque()
        )
        return thread
    }
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}
