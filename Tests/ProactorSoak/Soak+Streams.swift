import Glibc
import SystemPackage

@testable import Proactor

extension Soak {
    enum StreamKind {
        case tcp
        case tls
        case unix
    }

    /// Connects to an echo server of the group, sends, and ends in one of several ways.
    func streamScenario(_ kind: StreamKind) async throws {
        let client = try await connect(kind)
        do {
            try await converse(client)
        } catch is CancellationError {
            client.transport?.abort()
        }
        // Also in a cancelled task: the protocol must hear of the end.
        await client.lost.untilDoneRegardless()
        if let problem = client.problem { throw problem }
        try Task.checkCancellation()
    }

    func connect(_ kind: StreamKind) async throws -> SoakClient {
        let endpoint: ConnectionOptions.Endpoint =
            switch kind {
            case .tcp: .tcp(host: "127.0.0.1", port: tcpPort)
            case .tls: .tcp(host: "127.0.0.1", port: tlsPort)
            case .unix: .unix(unixAddress)
            }
        let factory = { SoakClient(lives: self.lives, loop: self.loop) }
        var options = ConnectionOptions(endpoint)
        if kind == .tls {
            // Mostly resumed, as the others are forgotten from time to time.
            if random.oneIn(50) { try contexts.client.reload() }
            options.tls = TLSOptions(contexts.client, serverName: "localhost")
        }
        return try await loop.createConnection(options, protocolFactory: factory).protocol
    }

    private func converse(_ client: SoakClient) async throws {
        for _ in 0..<random.number(1...4) {
            let isLarge = random.oneIn(8)
            client.send(random.bytes(isLarge ? random.number(1...300_000) : random.number(1...2000)))
            if random.oneIn(3) { await Task.yield() }
            if random.oneIn(6) { try await pause(client) }
        }
        switch random.number(1...10) {
        case 1: try close(client)
        case 2: client.transport?.abort()
        case 3: reset(client)
        case 4 where client.transport?.canWriteEOF == true:
            client.transport?.writeEOF()
        default:
            try await client.untilAllIsBack()
            client.transport?.close()
        }
    }

    /// Closes with bytes still to be sent. The echo may never take the last of them: who has closed does not read, and it takes
    /// no more than it can send back. So there is a limit, as an application sets it.
    private func close(_ client: SoakClient) throws {
        guard let transport = client.transport else { return }
        transport.close()
        _ = try loop.callLater(random.microseconds(0...20_000)) { transport.abort() }
    }

    private func pause(_ client: SoakClient) async throws {
        client.transport?.pauseReading()
        defer { client.transport?.resumeReading() }
        try await Task.sleep(for: random.microseconds(0...2000))
    }

    /// Ends a TCP connection by RST; a Unix one is just aborted.
    private func reset(_ client: SoakClient) {
        if let socket = client.transport?.extraInfo(.socket) {
            var value = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout<linger>.size)
            setsockopt(socket.descriptor.rawValue, SOL_SOCKET, SO_LINGER, &value, size)
        }
        client.transport?.abort()
    }

    /// A port at which nobody listens.
    func refusedScenario() async throws {
        do {
            let (transport, _) = try await loop.createConnection(host: "127.0.0.1", port: 1) {
                SoakClient(lives: self.lives, loop: self.loop)
            }
            transport.abort()
            throw SoakProblem("somebody listens at port 1")
        } catch let error as SocketError where error.errno == .connectionRefused {
            return
        }
    }

    /// A server of this loop that is stopped with connections on it.
    func serverScenario() async throws {
        let lives = lives
        let server = try await loop.createServer(host: "127.0.0.1", port: 0) {
            SoakEcho(lives: lives, ending: .peers)
        }
        var clients: [SoakClient] = []
        do {
            let port = try server.sockets[0].localAddress().port ?? 0
            for _ in 0..<random.number(0...5) {
                let (_, client) = try await loop.createConnection(host: "127.0.0.1", port: port) {
                    SoakClient(lives: lives, loop: self.loop)
                }
                clients.append(client)
                client.send(random.bytes(random.number(1...5000)))
            }
            if random.oneIn(2) { for client in clients { try await client.untilAllIsBack() } }
        } catch {
            // A cancel: the server is stopped in any case.
        }
        await server.shutdownGracefully(timeout: random.microseconds(0...5000))
        for client in clients {
            await client.lost.untilDoneRegardless()
            if let problem = client.problem { throw problem }
        }
        try Task.checkCancellation()
    }
}
