import ArgumentParser
import CLoad
import Foundation
import Proactor
import ProactorTLS
import SystemPackage

/// `loopbench serve`: a service of the library's, until it is told to end.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves echo, HTTP or a stream on one of the library's loops until SIGINT or SIGTERM.",
        discussion: """
            Prints one line, 'listening on …', as soon as it accepts connections. With '--metrics' there is another one each \
            second of what the loop has done in it. With '--tls CERT KEY' they speak TLS: 'serve \
            http --loop proactor --tls cert.pem key.pem'.
            """
    )

    @Argument(help: "What to serve.")
    var service: Service

    @Option(help: "The loop that serves.")
    var loop: LoopKind

    @Option(help: "The host to listen on. (default: 127.0.0.1)")
    var host: String?

    @Option(help: "The port to listen on; 0 lets the system choose. (default: 0)")
    var port: UInt16?

    @Option(help: "The Unix socket to listen on instead; a leading '@' means the abstract name space.")
    var unix: String?

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Two files: the certificate that connections over TLS are shown, with its chain, and its key (PEM).",
            valueName: "cert key"
        )
    )
    var tls: [String] = []

    @Option(help: "What 'source' sends at a time, and what a message of 'exact' has, in bytes.")
    var messageBytes = 64 << 10

    @Option(help: "The port of 127.0.0.1 that 'proxy' forwards to.")
    var upstream: UInt16?

    @Option(
        help: """
            How long 'echo' keeps its CPU busy over each piece that it receives, in microseconds: a server that is slower \
            by a known amount.
            """
    )
    var busyMicroseconds = 0

    @Option(help: "How many such loops serve, each on a thread of its own.")
    var loops = 1

    @Option(help: "How several loops share the connections.")
    var spreading = Spreading.kernel

    @Flag(help: "Measure the loop, and print each second a line of what it has done.")
    var metrics = false

    func validate() throws {
        guard (0...1_000_000).contains(busyMicroseconds), busyMicroseconds == 0 || service == .echo else {
            throw ValidationError("--busy-microseconds goes with echo, and lies between 0 and 1,000,000.")
        }
        guard (1...256).contains(loops), loops == 1 || !metrics && service != .udpEcho && service != .sockEcho
        else {
            throw ValidationError(
                "--loops lies between 1 and 256, and above 1 goes with neither --metrics nor udp-echo and sock-echo."
            )
        }
        guard (1...1 << 30).contains(messageBytes) else {
            throw ValidationError("--message-bytes must lie between 1 and 1 GiB.")
        }
        guard (service == .proxy) == (upstream != nil) else {
            throw ValidationError("--upstream goes with proxy, which needs it.")
        }
        guard tls.isEmpty || tls.count == 2 else {
            throw ValidationError("--tls takes two files: the certificate and its key.")
        }
        guard tls.isEmpty || (service != .udpEcho && service != .sockEcho) else {
            throw ValidationError("\(service.rawValue) does not take --tls.")
        }
        if service == .udpEcho, unix != nil { throw ValidationError("udp-echo does not take --unix.") }
        if service == .sockEcho, unix != nil { throw ValidationError("sock-echo does not take --unix.") }
        guard let unix else { return }
        guard host == nil, port == nil else {
            throw ValidationError("--unix goes with neither --host nor --port.")
        }
        guard !unix.isEmpty, unix != "@" else { throw ValidationError("--unix needs a path or a name.") }
    }

    func run() throws {
        let signals = TerminationSignals()
        cload_raise_descriptor_limit()
        // Before there is a loop: a bad file is told of by itself.
        let context = try makeContext()
        guard loops == 1 else { return try runGroup(over: context, until: signals) }
        let loop = try loop.makeLoop()
        let (service, endpoint, messageBytes, upstream) = (service, endpoint, messageBytes, upstream ?? 0)
        let busyTime = Duration.microseconds(busyMicroseconds)
        let address = (host: host ?? "127.0.0.1", port: port ?? 0)
        do {
            if metrics { try printMetrics(of: loop) }
            try loop.runUntilComplete {
                if service == .udpEcho {
                    return try await serveDatagrams(at: address, on: loop, until: signals)
                }
                if service == .sockEcho {
                    return try await serveBySockCalls(at: endpoint, on: loop, until: signals)
                }
                try await serve(at: endpoint, over: context, on: loop, until: signals) {
                    busyTime == .zero
                        ? service.makeProtocol(on: loop, messageBytes: messageBytes, upstream: upstream)
                        : BusyEchoConnection(busyTime)
                }
            }
        } catch {
            try? loop.close()
            throw error
        }
        try loop.close()
    }

    private func makeContext() throws -> TLSContext? {
        guard tls.count == 2 else { return nil }
        return try .server(certificateChain: .file(FilePath(tls[0])), privateKey: .file(FilePath(tls[1])))
    }

    var endpoint: ServerOptions.Endpoint {
        guard let unix else { return .tcp(hosts: [host ?? "127.0.0.1"], port: port ?? 0) }
        return .unix(
            unix.hasPrefix("@") ? .unixAbstract(name: Array(unix.utf8.dropFirst())) : .unix(path: unix)
        )
    }
}

nonisolated(nonsending) private func serve(
    at endpoint: ServerOptions.Endpoint,
    over context: TLSContext?,
    on loop: BaseEventLoop,
    until signals: TerminationSignals,
    _ makeProtocol: @escaping () -> any ConnectionProtocol
) async throws {
    var options = ServerOptions(endpoint)
    options.backlog = 4_096
    options.tls = context.map { TLSOptions($0) }
    let server = try await loop.createServer(options, protocolFactory: makeProtocol)
    let ended = loop.createFuture()
    let boundEnd = LoopBound(ended, of: loop)
    signals.whenFirstComes { try? boundEnd.post { try $0.setResult(()) } }
    if let address = try server.sockets.first?.localAddress() {
        FileHandle.standardOutput.write(Data("listening on \(address)\n".utf8))
    }
    try await ended.value()
    server.close()
    server.abortClients()
    try await server.waitClosed()
}
