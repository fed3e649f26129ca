import Foundation
import ProactorTesting

@testable import Proactor

/// The loops that every behaviour is shown on.
enum LoopKind: String, CaseIterable, Codable, Sendable {
    case ring
    /// The ring as an older kernel has it.
    case ringOlderPaths
    case epoll
    case poll
    case select
    /// The simulated kernel, as a ring and as a selector.
    case simulatedRing
    case simulatedSelector

    private static let every: [LoopKind] = [.ring, .ringOlderPaths, .epoll, .poll, .select]

    /// All of them, or those that `PROACTOR_TEST_LOOPS` names: so a machine without rings can pass the whole suite.
    static let allCases: [LoopKind] = {
        do {
            return try chosen(by: ProcessInfo.processInfo.environment["PROACTOR_TEST_LOOPS"])
        } catch {
            // Without its loops no test says anything.
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit(EX_USAGE)
        }
    }()

    /// Those, and the simulated ones: for what uses nothing of the real system past the loop.
    static let everywhere: [LoopKind] = {
        let simulated: [LoopKind] = [.simulatedRing, .simulatedSelector]
        guard let names = ProcessInfo.processInfo.environment["PROACTOR_TEST_LOOPS"], !names.isEmpty else {
            return every + simulated
        }
        return allCases + simulated.filter { names.contains($0.rawValue) }
    }()

    /// What `names`, with commas between them, choose. Nothing chooses all.
    static func chosen(by names: String?) throws(UnknownLoopKind) -> [LoopKind] {
        guard let names, !names.isEmpty else { return every }
        var chosen: Set<LoopKind> = []
        for name in names.split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(name)
            guard let kind = LoopKind(rawValue: name) else { throw UnknownLoopKind(name: name) }
            chosen.insert(kind)
        }
        return every.filter(chosen.contains)
    }

    func makeLoop() throws -> BaseEventLoop {
        switch self {
        case .ring: try ProactorEventLoop()
        case .ringOlderPaths: try ProactorEventLoop(configuration: Self.olderPaths)
        case .epoll: try SelectorEventLoop(selector: .epoll)
        case .poll: try SelectorEventLoop(selector: .poll)
        case .select: try SelectorEventLoop(selector: .select)
        case .simulatedRing: try LoneLoop.make(.ring)
        case .simulatedSelector: try LoneLoop.make(.selector)
        }
    }

    /// A loop whose backend can be made to fail.
    func makeFaultyLoop() throws -> (BaseEventLoop, FaultyBackend) {
        if isSimulated {
            var faulty: FaultyBackend?
            let loop = try LoneLoop.make(self == .simulatedRing ? .ring : .selector) { inner in
                let backend = FaultyBackend(inner)
                faulty = backend
                return backend
            }
            guard let faulty else { preconditionFailure("a simulated loop has a backend") }
            return (loop, faulty)
        }
        let backend = FaultyBackend(try makeBackend())
        return (BaseEventLoop(backend: backend, label: "proactor.faulty"), backend)
    }

    func makeBackend() throws -> any CompletionBackend {
        switch self {
        case .ring: try UringBackend(configuration: RingConfiguration())
        case .ringOlderPaths: try UringBackend(configuration: Self.olderPaths)
        case .epoll: try SelectorBackend(kind: .epoll)
        case .poll: try SelectorBackend(kind: .poll)
        case .select: try SelectorBackend(kind: .select)
        case .simulatedRing, .simulatedSelector:
            preconditionFailure("no real backend is behind a simulated one")
        }
    }

    /// A loop that receives datagrams of so many bytes and no larger ones.
    func makeLoop(datagramSize: Int) throws -> BaseEventLoop {
        var configuration = self == .ringOlderPaths ? Self.olderPaths : RingConfiguration()
        configuration.datagramSize = datagramSize
        let selector: SelectorKind
        switch self {
        case .ring, .ringOlderPaths: return try ProactorEventLoop(configuration: configuration)
        case .epoll: selector = .epoll
        case .poll: selector = .poll
        case .select: selector = .select
        case .simulatedRing, .simulatedSelector: return try makeLoop()
        }
        let calls = FaultySocketCalls()
        calls.datagramMax = datagramSize
        return BaseEventLoop(
            backend: try SelectorBackend(kind: selector, calls: calls),
            label: "proactor.small"
        )
    }

    private static var olderPaths: RingConfiguration {
        var configuration = RingConfiguration()
        configuration.growingQueues = false
        configuration.multishotAccept = false
        configuration.waitFreeAccept = false
        configuration.multishotReceive = false
        configuration.countedReceive = false
        configuration.multishotRead = false
        configuration.quietWrites = false
        configuration.childWaits = false
        configuration.incrementalBuffers = false
        configuration.messageWakeUp = false
        configuration.noIOWait = false
        return configuration
    }
}

/// A name in `PROACTOR_TEST_LOOPS` that stands for no loop.
struct UnknownLoopKind: Error, Equatable, CustomStringConvertible {
    let name: String

    var description: String {
        "PROACTOR_TEST_LOOPS: there is no loop '\(name)'; use ring, ringOlderPaths, epoll, poll and select, "
            + "with commas between them"
    }
}
