import CLoad
import Foundation
import Proactor
import ProactorTLS

@testable import loopbench

/// A server over TLS and a Unix socket that does with whole messages what a test says: a loop that has one turn each time that
/// the load asks for the time.
final class SimulatedTLSServer: SimulatedTime {
    /// What is done with one message: the server, and the number of the message of all.
    typealias Action = (Connection, [UInt8], Int) -> Void

    private let path = "loopbench-test-\(UUID().uuidString)"
    private let loop: BaseEventLoop
    private let server: Server
    private let record: Record

    /// What its connections have seen.
    final class Record {
        fileprivate(set) var handshakes: [Bool] = []
        fileprivate(set) var messages = 0
        fileprivate(set) var losses: [(any Error)?] = []

        /// How many connections were resumed.
        var resumed: Int { handshakes.count { $0 } }
    }

    /// Chooses the context of each connection.
    final class Contexts: TLSProvider {
        private let contexts: [TLSContext]
        private let each: Int
        private nonisolated(unsafe) var count = -1  // the one for the server itself comes first

        /// - Parameter each: so many connections have one context, and the next ones the next.
        init(_ contexts: [TLSContext], each: Int) { (self.contexts, self.each) = (contexts, each) }

        func makeEngine(side: TLSSide, serverName: String?) throws(TLSError) -> any TLSEngine {
            defer { count += 1 }
            let context = contexts[max(count, 0) / each % contexts.count]
            return try context.makeEngine(side: side, serverName: serverName)
        }
    }

    /// Gathers messages of one size.
    final class Connection: StreamProtocol {
        private(set) var transport: (any Transport)?
        private let messageBytes: Int
        private let record: Record
        private let act: Action
        private var received: [UInt8] = []
        /// Whether it lets a connection stand whose peer has said goodbye.
        var staysOpen = false

        fileprivate init(_ messageBytes: Int, _ record: Record, _ act: @escaping Action) {
            (self.messageBytes, self.record, self.act) = (messageBytes, record, act)
        }

        func connectionMade(_ transport: any Transport) {
            self.transport = transport
            record.handshakes.append(transport.extraInfo(.tlsSessionWasResumed) ?? false)
        }

        func dataReceived(_ data: RawSpan) {
            data.withUnsafeBytes { received.append(contentsOf: $0) }
            while received.count >= messageBytes {
                let message = Array(received.prefix(messageBytes))
                received.removeFirst(messageBytes)
                record.messages += 1
                act(self, message, record.messages - 1)
            }
        }

        func eofReceived() -> Bool { staysOpen }

        func connectionLost(_ error: (any Error)?) {
            record.losses.append(error)
            transport = nil
        }
    }

    init(
        messageBytes: Int,
        over provider: any TLSProvider,
        _ act: @escaping Action = { connection, message, _ in connection.transport?.write(message) }
    ) throws {
        loop = try SelectorEventLoop(selector: .epoll)
        let record = Record()
        self.record = record
        let (loop, address) = (loop, SocketAddress.unixAbstract(name: Array(path.utf8)))
        // All of it happens on this thread.
        nonisolated(unsafe) let makeProtocol = { Connection(messageBytes, record, act) }
        server = try loop.runUntilComplete {
            var options = ServerOptions(.unix(address))
            options.tls = TLSOptions(provider)
            return try await loop.createServer(options) { makeProtocol() }
        }
    }

    /// A server's context with the certificate of a run.
    static func context(_ certificate: RunCertificate, tickets: Int = 1) throws -> TLSContext {
        var configuration = TLSConfiguration()
        configuration.ticketCount = tickets
        return try .server(
            certificateChain: .file(.init(certificate.path)),
            privateKey: .file(.init(certificate.keyPath)),
            configuration: configuration
        )
    }

    /// - Returns: what was measured, and what the server has seen of it.
    func drive(
        _ name: String,
        seconds: Double,
        believing certificate: RunCertificate
    ) throws -> (measured: loopbench.Measurement, seen: Record) {
        guard let workload = Workload(named: name) else {
            throw SelectionError(kind: "workload", name: name, known: [])
        }
        self.certificate = certificate
        let measured = try drive(workload, at: .unix(path: "@\(path)"), seconds: seconds)
        // The load has closed its ends.
        for _ in 0..<100 { serve() }
        return (measured, record)
    }

    func close() throws {
        server.close()
        server.abortClients()
        for _ in 0..<10 { serve() }
        try loop.close()
    }

    override func serve() {
        do {
            try loop.callSoon { [loop] in loop.stop() }
            try loop.runForever()
        } catch {
            preconditionFailure("the server's loop: \(error)")
        }
    }
}
