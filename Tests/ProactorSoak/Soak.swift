import Glibc
import SystemPackage

@testable import Proactor

/// Drives one loop, and a group of two, with everything at once, chosen by a seeded generator.
///
/// All of it runs on the loop's thread, but for the group's echo servers and the threads of executors.
final class Soak {
    typealias Scenario = (Soak) async throws -> Void

    /// How many scenarios run at the same time.
    private static let driverCount = 24

    let kind: SoakKind
    let loop: BaseEventLoop
    let group: EventLoopGroup
    let pool = ThreadPool(name: "soakpool", threadsMax: 3, idleTimeout: .milliseconds(50))
    let lives = SoakCounter()
    var random: SoakRandom
    private(set) var tcpPort: UInt16 = 0
    private(set) var tlsPort: UInt16 = 0
    /// Shared by the group's loops, and by all clients of the loop.
    let contexts: SoakContexts
    let unixAddress: SocketAddress
    /// A file that scenarios share, each with a stretch of its own.
    let filePath: FilePath
    var freeStretches = Array(0..<Soak.driverCount)
    /// The length of a stretch, in bytes.
    static let stretchSize = 200_000
    private(set) var counts: [String: Int] = [:]
    private var problems: [SoakProblem] = []
    private var end: LoopInstant

    private let scenarios: [(name: String, weight: Int, run: Scenario)] = [
        ("tcp", 6, { try await $0.streamScenario(.tcp) }),
        ("tls", 4, { try await $0.streamScenario(.tls) }),
        ("unix", 4, { try await $0.streamScenario(.unix) }),
        ("refused", 1, { try await $0.refusedScenario() }),
        ("server", 1, { try await $0.serverScenario() }),
        ("timers", 2, { try await $0.timerScenario() }),
        ("tasks", 2, { try await $0.taskScenario() }),
        ("ticks", 1, { try await $0.tickScenario() }),
        ("posts", 2, { try await $0.postScenario() }),
        ("executor", 2, { try await $0.executorScenario() }),
        ("datagrams", 2, { try await $0.datagramScenario() }),
        ("processes", 1, { try await $0.processScenario() }),
        ("file", 2, { try await $0.fileScenario() }),
        ("group", 2, { try await $0.groupScenario() }),
        ("sockets", 2, { try await $0.socketScenario() }),
        ("watches", 1, { try await $0.watchScenario() }),
        ("signals", 1, { try await $0.signalScenario() }),
    ]

    init(kind: SoakKind, seed: UInt64) throws {
        self.kind = kind
        random = SoakRandom(seed: seed)
        contexts = try SoakContexts()
        unixAddress = .unixAbstract(name: Array("proactor-soak-\(getpid())-\(kind)".utf8))
        filePath = FilePath("/tmp/proactor-soak-\(getpid())-\(kind)")
        try FileDescriptor.open(
            filePath,
            .writeOnly,
            options: [.create, .truncate],
            permissions: .ownerReadWrite
        ).close()
        loop = try kind.makeLoop()
        var options = EventLoopGroupOptions(loopCount: 2, name: "soak")
        options.makeLoop = { _ in try kind.makeLoop() }
        group = try EventLoopGroup(options)
        end = loop.time()
    }

    /// Runs for so long, ends everything, and throws what went wrong or was left behind. Returns what was done, in words.
    func run(for duration: Duration) throws -> String {
        end = loop.time().advanced(by: duration)
        defer { unlink(filePath.string) }
        do {
            let main = loop.createTask { try await self.drive() }
            try loop.runUntilComplete(main)
            try finish()
        } catch {
            problems.append(SoakProblem("\(error)"))
            group.shutdown()
            try group.wait()
        }
        if let first = problems.first {
            throw SoakProblem("\(problems.count) problems, the first: \(first.description)")
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
    }

    // MARK: - Driving

    private func drive() async throws {
        try await startServers()
        let drivers = (0..<Self.driverCount).map { number in
            loop.createTask(name: "driver-\(number)") { await self.driveOne() }
        }
        for driver in drivers { _ = try? await driver.value() }
        _ = await group.shutdownGracefully(timeout: .milliseconds(20))
    }

    private func startServers() async throws {
        let lives = lives
        let seed = random.next()
        let connections = SoakCounter()
        let makeEcho: @Sendable () -> any ConnectionProtocol = {
            connections.add(1)
            var random = SoakRandom(seed: seed &+ UInt64(connections.value))
            let ending: SoakEcho.Ending =
                switch random.number(1...16) {
                case 1: .close(after: random.number(1...100_000))
                case 2: .abort(after: random.number(1...100_000))
                default: .peers
                }
            return SoakEcho(lives: lives, ending: ending)
        }
        let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
        tcpPort = try await group.createServer(options, protocolFactory: makeEcho).port ?? 0
        var tlsOptions = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 0))
        tlsOptions.tls = TLSOptions(contexts.server)
        tlsPort = try await group.createServer(tlsOptions, protocolFactory: makeEcho).port ?? 0
        let unixOptions = ServerOptions(.unix(unixAddress))
        let first = group.next()
        try await first.runCoroutineThreadSafe {
            _ = try await first.createServer(unixOptions, protocolFactory: makeEcho)
        }.value()
    }

    private func driveOne() async {
        let total = scenarios.reduce(0) { $0 + $1.weight }
        while loop.time() < end, problems.isEmpty {
            var choice = random.number(1...total)
            for scenario in scenarios {
                choice -= scenario.weight
                guard choice <= 0 else { continue }
                await perform(scenario.name, scenario.run)
                break
            }
        }
    }

    /// Runs a scenario in a task of its own, cancels it in the middle once in a while, and waits for it in any case.
    private func perform(_ name: String, _ scenario: @escaping Scenario) async {
        let task = loop.createTask(name: name) { try await scenario(self) }
        let limit = try? limit(name)
        defer { limit?.cancel() }
        if random.oneIn(4) {
            _ = try? loop.callLater(random.microseconds(0...3000)) { task.cancel() }
        }
        do {
            try await task.value()
            counts[name, default: 0] += 1
        } catch is CancellationError {
            counts["cancelled", default: 0] += 1
        } catch {
            problems.append(SoakProblem("\(name): \(error)"))
        }
    }

    // MARK: - The end

    private func finish() throws {
        try group.wait()
        pool.shutdown()
        try loop.runUntilComplete(
            loop.createTask {
                try await self.loop.shutdownAsyncSequences()
                try await self.loop.shutdownDefaultExecutor(timeout: .seconds(10))
            }
        )
        // What was aborted and cancelled last has some turns to go.
        let limit = loop.time().advanced(by: .seconds(10))
        while !leftBehind().isEmpty, loop.time() < limit {
            loop.stop()
            try loop.runForever()
        }
        let left = leftBehind()
        try loop.close()
        if !left.isEmpty { throw SoakProblem("left behind: \(left.joined(separator: ", "))") }
    }

    func leftBehind() -> [String] {
        let numbers = [
            ("operations", loop.backend.operationCount),
            ("receive buffers", (loop.backend as? UringBackend)?.lostBufferCount ?? 0),
            ("transports", loop.openTransports.count),
            ("servers", loop.openServers.count), ("tasks", loop.tasks.count), ("timers", loop.timers.count),
            ("sequences", loop.sequences.count), ("protocols", lives.value),
            ("pool threads", pool.threadCount),
        ]
        return numbers.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
    }
}
