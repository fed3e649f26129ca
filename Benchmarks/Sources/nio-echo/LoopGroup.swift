import ArgumentParser
import NIOCore
import NIOPosix
import ProactorNIO

/// Whose event loops serve; the handlers are the same.
enum LoopGroup: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// SwiftNIO's own, over epoll.
    case nio
    /// SwiftNIO's singleton group, whose thread runs all of Swift's tasks: SwiftNIO's takeover of the global executor.
    case nioTakeover = "nio-takeover"
    /// swift-proactor's: a ring where the machine has it, and else epoll.
    case proactor

    /// One loop.
    func makeGroup() throws -> any EventLoopGroup {
        switch self {
        case .nioTakeover: Self.takeOver()
        case .nio: MultiThreadedEventLoopGroup(numberOfThreads: 1)
        case .proactor: try NIOProactorEventLoopGroup(numberOfThreads: 1)
        }
    }

    private static func takeOver() -> any EventLoopGroup {
        NIOSingletons.groupLoopCountSuggestion = 1
        guard NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor() else {
            fatalError("SwiftNIO does not know how to take over the global executor of this Swift")
        }
        return NIOSingletons.posixEventLoopGroup
    }

    /// Ends the loops of a group that was made here; a singleton's end with the process.
    func shutDown(_ group: any EventLoopGroup) throws {
        if self != .nioTakeover { try group.syncShutdownGracefully() }
    }

    func makeServerBootstrap(on group: any EventLoopGroup) -> any StreamServerBootstrap {
        switch self {
        case .nio, .nioTakeover: ServerBootstrap(group: group)
        case .proactor: NIOProactorServerBootstrap(group: group)
        }
    }

    func makeDatagramBootstrap(on group: any EventLoopGroup) -> any DatagramEndpointBootstrap {
        switch self {
        case .nio, .nioTakeover: DatagramBootstrap(group: group)
        case .proactor: NIOProactorDatagramBootstrap(group: group)
        }
    }
}

/// What both libraries' bootstraps of servers have.
protocol StreamServerBootstrap {
    func serverChannelOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> Self
    func childChannelOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> Self
    func childChannelInitializer(
        _ initializer: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>
    ) -> Self
    func bind(host: String, port: Int) -> EventLoopFuture<any Channel>
    func bind(unixDomainSocketPath: String, cleanupExistingSocketFile: Bool) -> EventLoopFuture<any Channel>
}

/// What both libraries' bootstraps of datagram endpoints have.
protocol DatagramEndpointBootstrap {
    func channelOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> Self
    func channelInitializer(_ handler: @escaping @Sendable (any Channel) -> EventLoopFuture<Void>) -> Self
    func bind(host: String, port: Int) -> EventLoopFuture<any Channel>
}

extension ServerBootstrap: StreamServerBootstrap {}
extension NIOProactorServerBootstrap: StreamServerBootstrap {}
extension DatagramBootstrap: DatagramEndpointBootstrap {}
extension NIOProactorDatagramBootstrap: DatagramEndpointBootstrap {}
