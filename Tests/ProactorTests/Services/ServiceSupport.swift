#if ServiceLifecycle
    import Logging
    import ServiceLifecycle
    import Testing

    @testable import Proactor

    /// A service group that runs in a task, to be ended by the test.
    struct RunningServices {
        let services: ServiceGroup
        let running: Task<Void, any Error>

        init(
            _ services: any Service...,
            whenOneEnds: ServiceGroupConfiguration.ServiceConfiguration.TerminationBehavior = .cancelGroup
        ) {
            let configurations = services.map {
                ServiceGroupConfiguration.ServiceConfiguration(
                    service: $0,
                    successTerminationBehavior: whenOneEnds
                )
            }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: configurations,
                    logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() }
                )
            )
            self.services = group
            running = Task { try await group.run() }
        }

        func shutDownGracefully() async throws {
            await services.triggerGracefulShutdown()
            try await running.value
        }
    }

    /// Hands the first value of another thread's to a test.
    final class FirstValue<Value: Sendable>: Sendable {
        private let stream = AsyncStream.makeStream(of: Value.self)

        func set(_ value: Value) { stream.continuation.yield(value) }

        /// - Throws: when there is none, as its sender is gone.
        func get() async throws -> Value {
            for await value in stream.stream { return value }
            throw EventLoopError.closed
        }
    }

    /// What becomes of connections that end only when their peers do.
    struct BusyConnections: Sendable {
        let made = Record<Int>()
        let asked = Record<Int>()
        let lost = Record<Int>()

        func makeProtocol() -> any ConnectionProtocol { BusyProtocol(self) }

        func waitUntilMade(_ count: Int) async throws {
            try await eventually { made.entries.count == count }
        }

        func waitUntilAsked(_ count: Int) async throws {
            try await eventually { asked.entries.count == count }
        }
    }

    private final class BusyProtocol: StreamProtocol {
        private let connections: BusyConnections

        init(_ connections: BusyConnections) { self.connections = connections }

        func connectionMade(_ transport: any Transport) { connections.made.append(1) }

        func dataReceived(_ data: RawSpan) {}

        func shutdownRequested() -> ShutdownAnswer {
            connections.asked.append(1)
            return .whenDone
        }

        func connectionLost(_ error: (any Error)?) { connections.lost.append(1) }
    }
#endif
