import Foundation
import Proactor
import ProactorTLS
import Testing

@testable import loopbench

/// The load over TLS, against a server in simulated time.
struct TLSLoadTests {
    /// 1 MiB is more than a socket takes: a part of the sealed bytes waits in the load.
    @Test(arguments: [
        ("unix-tls-64Bx2", 64, 20), ("unix-tls-pipelined-64Bx2x4", 64, 20), ("unix-tls-16384Bx3", 16_384, 20),
        ("unix-tls-1MiBx2", 1 << 20, 3), ("unix-tls-64Bx2@1000", 64, 20),
    ])
    func messagesComeBack(_ name: String, _ messageBytes: Int, _ count: UInt64) throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: messageBytes,
            over: try SimulatedTLSServer.context(certificate)
        )
        let (measured, seen) = try server.drive(name, seconds: 0.05, believing: certificate)
        #expect(measured.errors == 0 && measured.corruptions == 0 && measured.unanswered == 0)
        #expect(measured.requests >= count && measured.latency != nil)
        #expect(seen.messages >= Int(measured.requests))
        #expect(!seen.handshakes.isEmpty && seen.resumed == 0)
        try server.close()
    }

    /// And ends each with close_notify, so that no server takes it for cut.
    @Test func fullHandshakesAreFull() throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: try SimulatedTLSServer.context(certificate)
        )
        let (measured, seen) = try server.drive("unix-tls-full-64Bx3", seconds: 0.05, believing: certificate)
        #expect(measured.errors == 0 && measured.corruptions == 0)
        #expect(measured.requests > 20 && measured.latency != nil)
        #expect(seen.resumed == 0 && seen.handshakes.count >= Int(measured.requests))
        // The last of each place were cut by the end of the measurement.
        #expect(seen.losses.count { $0 != nil } <= 3)
        try server.close()
    }

    /// The first of each place brings a ticket, and is not counted.
    @Test(arguments: [1, 2])
    func resumedHandshakesAreResumed(_ tickets: Int) throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: try SimulatedTLSServer.context(certificate, tickets: tickets)
        )
        let (measured, seen) = try server.drive(
            "unix-tls-resumed-64Bx3",
            seconds: 0.05,
            believing: certificate
        )
        #expect(measured.errors == 0 && measured.corruptions == 0)
        #expect(measured.requests > 20)
        #expect(seen.handshakes.count - seen.resumed == 3 && seen.resumed >= Int(measured.requests))
        #expect(seen.losses.count { $0 != nil } <= 3)
        try server.close()
    }

    /// Each refused ticket is an error, and the full handshake that brings another one is no request.
    @Test func ticketsThatAreRefusedAreErrors() throws {
        let certificate = try RunCertificate()
        let contexts = try (0..<2).map { _ in try SimulatedTLSServer.context(certificate) }
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: SimulatedTLSServer.Contexts(contexts, each: 10)
        )
        let (measured, seen) = try server.drive(
            "unix-tls-resumed-64Bx1",
            seconds: 0.1,
            believing: certificate
        )
        // Of ten: one whose ticket is the former context's, one that brings another, and eight.
        let tens = UInt64(seen.handshakes.count / 10)
        #expect(tens > 3 && measured.corruptions == 0)
        #expect((tens - 1...tens).contains(measured.errors))
        #expect((8 * tens - 2...8 * tens + 9).contains(measured.requests))
        try server.close()
    }

    @Test func aServerWithoutTicketsHasNoResumedHandshakes() throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: try SimulatedTLSServer.context(certificate, tickets: 0)
        )
        let refusal = #expect(throws: LoadGenerator.Refusal.self) {
            try server.drive("unix-tls-resumed-64Bx2", seconds: 0.01, believing: certificate)
        }
        #expect(refusal?.description == "TLS: the server gave no ticket")
        try server.close()
    }

    @Test(arguments: [
        "unix-tls-64Bx2", "unix-tls-pipelined-64Bx2x4", "unix-tls-full-64Bx2", "unix-tls-resumed-64Bx2",
    ])
    func oneChangedBitIsCorruption(_ name: String) throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: try SimulatedTLSServer.context(certificate)
        ) { connection, message, number in
            var message = message
            if number == 20 { message[63] ^= 1 }
            connection.transport?.write(message)
        }
        let (measured, _) = try server.drive(name, seconds: 0.05, believing: certificate)
        #expect(measured.corruptions == 1 && measured.errors == 0)
        #expect(measured.requests > 10)
        try server.close()
    }

    /// Even where it is what would have been sent next: a message of the pattern's whole period follows upon itself.
    @Test(arguments: ["unix-tls-65521Bx1", "unix-tls-full-65521Bx1"])
    func moreThanWasSentIsCorruption(_ name: String) throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 65_521,
            over: try SimulatedTLSServer.context(certificate)
        ) { connection, message, number in
            connection.transport?.write(number == 3 ? message + message : message)
        }
        let (measured, _) = try server.drive(name, seconds: 0.05, believing: certificate)
        // What comes behind the answer is looked at with it, or after the goodbye.
        #expect(measured.corruptions + measured.errors == 1)
        try server.close()
    }

    /// A server may end a connection that it has answered; the load says its goodbye all the same.
    @Test func aServerThatEndsFirstIsNoError() throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: try SimulatedTLSServer.context(certificate)
        ) { connection, message, _ in
            connection.transport?.write(message)
            connection.transport?.close()
        }
        let (measured, seen) = try server.drive("unix-tls-full-64Bx2", seconds: 0.05, believing: certificate)
        #expect(measured.errors == 0 && measured.corruptions == 0 && measured.requests > 20)
        #expect(seen.messages >= Int(measured.requests))
        try server.close()
    }

    @Test func aServerThatStaysIsNamed() throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: try SimulatedTLSServer.context(certificate)
        ) { connection, message, _ in
            connection.staysOpen = true
            connection.transport?.write(message)
        }
        let refusal = #expect(throws: LoadGenerator.Refusal.self) {
            try server.drive("unix-tls-full-64Bx2", seconds: 0.01, believing: certificate)
        }
        #expect(refusal?.description == "TLS: the server does not close a connection after close_notify")
        try server.close()
    }

    @Test func aServerThatEndsItsConnectionsIsMeasuredToTheEnd() throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: 64,
            over: try SimulatedTLSServer.context(certificate)
        ) { connection, message, number in
            if number < 40 { connection.transport?.write(message) } else { connection.transport?.close() }
        }
        let (measured, _) = try server.drive("unix-tls-64Bx2", seconds: 0.05, believing: certificate)
        #expect(measured.errors == 2 && measured.corruptions == 0 && (30...40).contains(measured.requests))
        #expect((50_000_000...51_000_000).contains(measured.windowNanoseconds))
        try server.close()
    }

    @Test(arguments: [("unix-tls-idle-40", 64), ("unix-tls-idle-16KiBx40", 16 << 10)])
    func idleConnectionsHaveHadTheirMessage(_ name: String, _ messageBytes: Int) throws {
        let certificate = try RunCertificate()
        let server = try SimulatedTLSServer(
            messageBytes: messageBytes,
            over: try SimulatedTLSServer.context(certificate)
        )
        let (measured, seen) = try server.drive(name, seconds: 0, believing: certificate)
        #expect(measured.requests == 40 && measured.errors == 0 && measured.corruptions == 0)
        #expect(seen.messages == 40 && seen.handshakes.count == 40)
        try server.close()
    }

    // MARK: Servers that are not believed

    @Test(arguments: ["unix-tls-64Bx2", "unix-tls-full-64Bx2", "unix-tls-idle-2"])
    func anotherCertificateIsNotBelieved(_ name: String) throws {
        let (certificate, other) = try (RunCertificate(), RunCertificate())
        let server = try SimulatedTLSServer(messageBytes: 64, over: try SimulatedTLSServer.context(other))
        let refusal = #expect(throws: LoadGenerator.Refusal.self) {
            try server.drive(name, seconds: 0.002, believing: certificate)
        }
        #expect(refusal?.description == "TLS: certificate verify failed")
        try server.close()
    }

    /// What it gets is no record.
    @Test func aServerInPlainIsNamed() throws {
        let server = try PliantServer(messageBytes: 1) { server, message in
            server.answer(message.connection, Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        }
        server.certificate = try RunCertificate()
        #expect(throws: LoadGenerator.Refusal.self) { try server.drive("unix-tls-64Bx2", seconds: 0.02) }
    }

    @Test func aServerThatDoesNotShakeHandsIsGivenUp() throws {
        let server = try PliantServer(messageBytes: 1 << 20) { _, _ in }
        server.certificate = try RunCertificate()
        server.patienceSeconds = 0.05
        for name in ["unix-tls-64Bx40", "unix-tls-idle-40"] {
            let refusal = #expect(throws: LoadGenerator.Refusal.self) {
                try server.drive(name, seconds: 0.02)
            }
            #expect(refusal?.description == "TLS: the server did not answer a handshake in time")
        }
    }

    /// The load refuses what it does not know how to do.
    @Test func onlySomeKindsSpeakTLS() throws {
        let server = try PliantServer(messageBytes: 64) { _, _ in }
        server.certificate = try RunCertificate()
        for (kind, tls) in [
            (Workload.Kind.streamIn, Workload.Handshake.full), (.flood, .full), (.udp, .full),
            (.echo, .resumed),
            (.idle, .resumed),
        ] {
            let workload = Workload(kind, family: .unix, tls: tls, connections: 1)
            #expect(workload.problem != nil)
            #expect(throws: LoadGenerator.Failure.self) {
                try server.drive(workload, at: .unix(path: "@nobody"), seconds: 0.01)
            }
        }
    }
}
