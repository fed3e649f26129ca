import ArgumentParser
import NIOCore
import NIOSSL

/// The services over SwiftNIO, in the way of its own examples, on one event loop thread.
@main
struct NIOEcho: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nio-echo",
        abstract: "Serves echo, HTTP or a stream over SwiftNIO until SIGINT or SIGTERM.",
        discussion: "Prints one line, 'listening on …', as soon as it accepts connections."
    )

    @Argument(help: "What to serve.")
    var service: Service = .echo

    @Option(help: "The host to listen on. (default: 127.0.0.1)")
    var host: String?

    @Option(help: "The port to listen on; 0 lets the system choose. (default: 0)")
    var port: UInt16?

    @Option(help: "The Unix socket to listen on instead.")
    var unix: String?

    @Option(help: "What 'source' sends at a time, and what a message of 'exact' has, in bytes.")
    var messageBytes = 64 << 10

    @Option(help: "The port of 127.0.0.1 that 'proxy' forwards to.")
    var upstream: UInt16?

    @Option(help: "Of UDP: how many datagrams one system call receives; SwiftNIO's own default is 1.")
    var vectorReads = 32

    @Flag(help: "Of UDP: receive and send datagrams of one peer that came in a row as one (GRO and GSO).")
    var offload = false

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Two PEM files: speak TLS, with the certificate chain and the key in them. Not of proxy and udp-echo.",
            valueName: "path"
        )
    )
    var tls: [String] = []

    @Flag(help: "Of lines and exact: run the tasks on the event loop's thread, and not on Swift's own.")
    var tasksOnLoop = false

    @Option(
        help:
            "Whose event loops serve: SwiftNIO's own, those as Swift's global executor too, or swift-proactor's, where tasks are on the loop anyway."
    )
    var group = LoopGroup.nio

    func validate() throws {
        guard (1...1 << 30).contains(messageBytes) else {
            throw ValidationError("--message-bytes must lie between 1 and 1 GiB.")
        }
        guard (service == .proxy) == (upstream != nil) else {
            throw ValidationError("--upstream goes with proxy, which needs it.")
        }
        guard (1...1_024).contains(vectorReads) else {
            throw ValidationError("--vector-reads must lie between 1 and 1,024.")
        }
        guard tls.isEmpty || tls.count == 2 else {
            throw ValidationError("--tls needs two paths, of a certificate and of its key.")
        }
        guard tls.isEmpty || (service != .proxy && service != .udpEcho) else {
            throw ValidationError("--tls does not go with \(service.rawValue).")
        }
        guard group != .proactor || !offload else {
            throw ValidationError(
                "--offload goes with --group nio: swift-proactor joins datagrams by itself."
            )
        }
        guard unix == nil || (host == nil && port == nil) else {
            throw ValidationError("--unix goes with neither --host nor --port.")
        }
    }

    func run() throws {
        let signals = TerminationSignals()
        let loops = try group.makeGroup()
        let channel =
            try service == .udpEcho ? bindDatagrams(on: loops) : bind(bootstrap(on: loops, tls: makeTLS()))
        announce(channel)
        signals.wait()
        try channel.close().wait()
        try group.shutDown(loops)
    }

    /// As in NIOEchoServer and NIOHTTP1Server, with room for as many waiting connections as the other contenders have.
    private func bootstrap(
        on loops: any EventLoopGroup,
        tls: NIOSSLContext?
    ) -> any StreamServerBootstrap {
        let (service, messageBytes, upstream, onLoop) = (service, messageBytes, upstream, tasksOnLoop)
        let bootstrap = group.makeServerBootstrap(on: loops)
            .serverChannelOption(.backlog, value: 4_096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                if let upstream { return GlueHandler.forward(channel, to: upstream) }
                return channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    try service.addHandlers(to: channel, messageBytes: messageBytes, tasksOnLoop: onLoop)
                }
            }
            .childChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelOption(.recvAllocator, value: AdaptiveRecvByteBufferAllocator())
            .childChannelOption(.writeBufferWaterMark, value: waterMark)
            .childChannelOption(.autoRead, value: service != .proxy)
        // Accepted sockets inherit it.
        return unix == nil ? bootstrap.serverChannelOption(.tcpOption(.tcp_nodelay), value: 1) : bootstrap
    }

    /// One context for all connections, with SwiftNIO's own settings: the clients say what is spoken.
    private func makeTLS() throws -> NIOSSLContext? {
        guard tls.count == 2 else { return nil }
        let chain = try NIOSSLCertificate.fromPEMFile(tls[0]).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: tls[1], format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
        )
    }

    /// Of a source one message waits while one is sent, of a proxy as much as SwiftNIO lets of itself; else as much waits as
    /// with the other contenders.
    private var waterMark: ChannelOptions.Types.WriteBufferWaterMark {
        if service == .proxy { return .init(low: 32 << 10, high: 64 << 10) }
        let high = service == .source ? messageBytes : 1 << 20
        return .init(low: max(high / 4, 1), high: max(high, 2))
    }

    private func bind(_ bootstrap: any StreamServerBootstrap) throws -> any Channel {
        if let unix {
            return try bootstrap.bind(unixDomainSocketPath: unix, cleanupExistingSocketFile: true).wait()
        }
        return try bootstrap.bind(host: host ?? "127.0.0.1", port: Int(port ?? 0)).wait()
    }

    /// With vector reads, which is what SwiftNIO advises for many small datagrams.
    private func bindDatagrams(on loops: any EventLoopGroup) throws -> any Channel {
        // Joined datagrams have 64 KiB together; the note of how long each is goes back with the answer.
        let offload = offload
        return try group.makeDatagramBootstrap(on: loops)
            .channelOption(.datagramVectorReadMessageCount, value: vectorReads == 1 ? 0 : vectorReads)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: vectorReads * (offload ? 65_536 : 2_048))
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if offload, let options = channel.syncOptions {
                        try options.setOption(.datagramReceiveOffload, value: true)
                        try options.setOption(.datagramReceiveSegmentSize, value: true)
                    }
                    try Service.udpEcho.addHandlers(to: channel, messageBytes: 0)
                }
            }
            .bind(host: host ?? "127.0.0.1", port: Int(port ?? 0))
            .wait()
    }

    private func announce(_ channel: any Channel) {
        let place = unix ?? "\(host ?? "127.0.0.1"):\(channel.localAddress?.port ?? 0)"
        print("listening on \(place)")
        // Standard output is a pipe here and would keep the line.
        flushStandardOutput()
    }
}
