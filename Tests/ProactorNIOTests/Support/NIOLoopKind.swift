#if NIO
    import Foundation
    import NIOCore
    import Proactor
    import ProactorNIO

    import protocol NIOCore.EventLoop

    /// The loops that every behaviour is shown on: one of each backend.
    enum NIOLoopKind: String, CaseIterable, Sendable {
        case ring
        case epoll

        /// Those that `PROACTOR_TEST_LOOPS` names of them, or all: a machine without rings can pass the tests.
        static let allCases: [NIOLoopKind] = {
            let all: [NIOLoopKind] = [.ring, .epoll]
            guard let names = ProcessInfo.processInfo.environment["PROACTOR_TEST_LOOPS"], !names.isEmpty
            else {
                return all
            }
            let wanted = names.split(separator: ",").map(String.init)
            return all.filter { wanted.contains($0.rawValue) }
        }()

        func makeGroup(threads: Int = 1) throws -> NIOProactorEventLoopGroup {
            var options = EventLoopGroupOptions(loopCount: threads, name: rawValue)
            switch self {
            case .ring: options.makeLoop = { _ in try ProactorEventLoop() }
            case .epoll: options.makeLoop = { _ in try SelectorEventLoop(selector: .epoll) }
            }
            return try NIOProactorEventLoopGroup(options)
        }

        /// Calls `body` with a group, which is shut down behind it.
        func withGroup<Result: Sendable>(
            threads: Int = 1,
            _ body: (NIOProactorEventLoopGroup) async throws -> Result
        ) async throws -> Result {
            let group = try makeGroup(threads: threads)
            let result: Result
            do { result = try await body(group) } catch {
                try await group.shutdownGracefully()
                throw error
            }
            try await group.shutdownGracefully()
            return result
        }
    }
#endif
