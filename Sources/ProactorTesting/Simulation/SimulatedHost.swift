import Glibc
import Proactor
import SystemPackage

/// A host of a ``Simulation``: what runs on it, and its disk.
///
/// ```swift
/// let host = try simulation.host("store")
/// host.start { try await serve() }
/// try simulation.run(for: .seconds(10))
/// host.crash()
/// try host.restart()      // the same program, with what its disk has kept
/// ```
///
/// Thread rule: the simulation's thread.
public final class SimulatedHost {
    private let kernel: HostKernel
    private unowned let simulation: Simulation
    private var process: SimulatedProcess?
    private var programs: [@isolated(any) () async throws -> Void] = []

    init(kernel: HostKernel, simulation: Simulation) {
        self.kernel = kernel
        self.simulation = simulation
    }

    /// Its name, by which the others find it.
    public var name: String { kernel.name }
    /// Its IPv4 address, besides loopback.
    public var ipv4: IPv4Address { kernel.ipv4 }
    /// Its IPv6 address, besides loopback.
    public var ipv6: IPv6Address { kernel.ipv6 }
    /// Whether it runs.
    public var isUp: Bool { kernel.isUp }

    // MARK: - What runs on it

    /// Starts a program on a loop of its own. Called again, it starts another one beside it, on another loop.
    ///
    /// When the program returns, its loop goes on, as long as the host does. An error that it throws ends the simulation, with
    /// ``SimulationError/programFailed(host:_:)``.
    ///
    /// - Parameter program: what runs. It is kept for ``restart()``.
    public func start(_ program: @escaping @isolated(any) () async throws -> Void) {
        programs.append(program)
        guard kernel.isUp else { return }
        run(program)
    }

    private func run(_ program: @escaping @isolated(any) () async throws -> Void) {
        let world = kernel.world
        let process = self.process ?? kernel.makeProcess()
        self.process = process
        world.note(.started, kernel.index, 0)
        do {
            let stepped = try process.makeLoop()
            let loop = stepped.loop
            // All of it is on the simulation's thread.
            nonisolated(unsafe) let program = program
            let task = process.enter { loop.createTask(name: name) { try await program() } }
            task.addDoneCallback { [name] task in
                guard let error = (try? task.exception()) ?? nil, !(error is CancellationError) else {
                    return
                }
                world.fail(.programFailed(host: name, "\(error)"))
            }
            try stepped.begin()
        } catch {
            world.fail(.programFailed(host: name, "\(error)"))
        }
    }

    /// Runs code that blocks as this host's: loops that it makes are the host's, and while they wait the rest of the simulation
    /// goes on. So the `main` of a program, with its `run`, runs unchanged.
    ///
    /// ```swift
    /// try host.perform { try run { try await serve() } }
    /// ```
    ///
    /// One host at a time does that; the others have programs that were started.
    ///
    /// - Throws: what `body` throws.
    public func perform<Result>(_ body: () throws -> Result) throws -> Result {
        guard kernel.isUp else { throw SimulationError.wrongState(host: name, "is down: restart() it first") }
        let process = self.process ?? kernel.makeProcess()
        self.process = process
        let result = try process.enter(body)
        if let failure = kernel.world.failure { throw failure }
        return result
    }

    /// Ends it as a power cut does: no code of its programs runs any more, nobody hears of it, and of its disk is kept what was
    /// synchronised, and of the rest what chance has kept.
    public func crash() {
        guard kernel.isUp else { return }
        kernel.world.note(.crashed, kernel.index, 0)
        kernel.isUp = false
        kernel.endProcesses(isCrash: true)
        process = nil
    }

    /// Starts it again after a ``crash()`` or a ``stop()``, and with it all its programs from their beginning.
    ///
    /// - Throws: ``SimulationError/wrongState(host:_:)`` when it runs.
    public func restart() throws(SimulationError) {
        guard process == nil || !kernel.isUp else {
            throw .wrongState(host: name, "runs already: crash() or stop() it first")
        }
        kernel.world.note(.restarted, kernel.index, 0)
        kernel.isUp = true
        for program in programs { run(program) }
    }

    /// Ends its programs as they would end by themselves: tasks are cancelled, servers and connections closed. The disk stays
    /// as it is.
    ///
    /// - Throws: ``SimulationError/leftovers(host:_:)`` when something is left of what its loops have made.
    public func stop() throws(SimulationError) {
        guard kernel.isUp, let process else { return }
        kernel.world.note(.stopped, kernel.index, 0)
        self.process = nil
        var left: [String] = []
        for stepped in process.loops { finish(stepped, of: process, &left) }
        for (descriptor, file) in process.descriptors.open {
            left.append("descriptor \(descriptor.rawValue) (\(file.kindName))")
        }
        process.end(0)
        kernel.forget(process)
        if let failure = kernel.world.failure { throw failure }
        guard left.isEmpty else { throw .leftovers(host: name, left.joined(separator: ", ")) }
    }

    private func finish(_ stepped: SteppedLoop, of process: SimulatedProcess, _ left: inout [String]) {
        stepped.end()
        do {
            try process.enter {
                try stepped.loop.finishAndClose { found in
                    for (count, what) in [
                        (found.transports, "connections"), (found.listeners, "listeners"),
                        (found.children, "child processes"), (found.tasks, "tasks"),
                    ] where count > 0 {
                        left.append("\(count) \(what)")
                    }
                }
            }
        } catch {
            kernel.world.fail(.programFailed(host: name, "\(error)"))
        }
        let count = stepped.backend.operationCount
        if count > 0 { left.append("\(count) operations") }
    }

    /// Sends a signal to its programs' process, as a supervisor would. Without a handler it does what it does by itself.
    public func send(_ signal: Signal) {
        process?.receive(signal)
    }

    /// Looks at a number of open descriptors of its programs.
    public var openDescriptorCount: Int { process?.descriptors.count ?? 0 }

    /// How many descriptors its programs may have open at once. For programs that are started later too, until a ``crash()``.
    public var descriptorLimit: Int {
        get { process?.descriptors.limit ?? 65_536 }
        set {
            let process = self.process ?? kernel.makeProcess()
            self.process = process
            process.descriptors.limit = newValue
        }
    }

    // MARK: - Its disk

    /// The content of a file as its programs see it; `nil` when there is none.
    public func contents(ofFile path: String) -> [UInt8]? {
        guard let node = kernel.files.node(at: Array(path.utf8)), node.kind == .regular else { return nil }
        return node.content
    }

    /// Puts a file on the disk, in place of the one that stands there.
    ///
    /// - Throws: `Errno`, such as `noSuchFileOrDirectory` without its folder.
    public func writeFile(_ path: String, _ content: [UInt8]) throws(Errno) {
        let bytes = Array(path.utf8)
        let node: FileNode
        if let found = kernel.files.node(at: bytes) {
            guard found.kind == .regular else { throw .isDirectory }
            node = found
        } else {
            node = try kernel.files.make(.regular, at: bytes, mode: 0o644, time: kernel.world.now)
        }
        node.replaceContent(content, time: kernel.world.now)
    }

    /// Makes a folder.
    ///
    /// - Throws: `Errno`.
    public func makeFolder(_ path: String) throws(Errno) {
        try kernel.files.makeFolder(at: Array(path.utf8), time: kernel.world.now)
    }

    /// Removes a file or an empty folder.
    ///
    /// - Throws: `Errno`.
    public func removeFile(_ path: String) throws(Errno) {
        try kernel.files.removeFile(at: Array(path.utf8))
    }
}
