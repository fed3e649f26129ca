// The code of the pages ProactorServiceLifecycle.md, ProactorHummingbird.md and ProactorGRPC.md, which a test holds against it.
#if ServiceLifecycle
    import Logging
    import Proactor
    import ProactorServiceLifecycle
    import ServiceLifecycle

    func runServices(_ logger: Logger) async throws {
        let group = try EventLoopGroup()
        let options = ServerOptions(.tcp(hosts: ["127.0.0.1"], port: 8080))
        let services = ServiceGroup(
            services: [
                EventLoopGroupService(group, grace: .seconds(5)),
                EventLoopGroupServerService(on: group, options, grace: .seconds(10)) { Echo() },
            ],
            gracefulShutdownSignals: [.sigterm],
            cancellationSignals: [.sigint],
            logger: logger
        )
        try await services.run()
    }
#endif

#if Hummingbird
    import Hummingbird
    import ProactorHummingbird
    import ProactorNIO

    func runApplication() async throws {
        let router = Router()
        router.get("hello/:name") { _, context in "hello, \(context.parameters.get("name") ?? "you")\n" }
        let group = try NIOProactorEventLoopGroup(numberOfThreads: 2)
        let application = ProactorApplication(router: router, group: group)
        try await application.runService()
        try await group.shutdownGracefully()
    }
#endif

#if GRPC
    import GRPCCore
    import GRPCNIOTransportHTTP2Posix
    import ProactorGRPC
    import ProactorNIO

    func runGRPC(_ services: [any RegistrableRPCService]) async throws {
        let group = try NIOProactorEventLoopGroup(numberOfThreads: 2)
        let transport = HTTP2ServerTransport.Proactor(
            address: .ipv4(host: "127.0.0.1", port: 8080),
            group: group
        )
        let server = GRPCServer(transport: transport, services: services)
        try await server.serve()
        try await group.shutdownGracefully()
    }
#endif
