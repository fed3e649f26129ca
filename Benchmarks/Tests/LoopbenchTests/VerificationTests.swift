import Foundation
import Testing

@testable import loopbench

/// Whatever comes back and is not what was sent is seen.
struct VerificationTests {
    @Test(arguments: [
        "unix-64Bx2", "unix-pipelined-64Bx2x4", "unix-churn-64Bx2", "unix-lines-64Bx2", "unix-exact-64Bx2",
    ])
    func oneChangedBitIsCorruption(_ name: String) throws {
        for spoils in [false, true] {
            let server = try PliantServer(messageBytes: 64) { server, message in
                var bytes = Array(message.bytes)
                if spoils, message.index == 20 { bytes[63] ^= 1 }
                server.answer(message.connection, bytes)
            }
            let measured = try server.drive(name, seconds: 0.05)
            #expect(measured.corruptions == (spoils ? 1 : 0) && measured.errors == 0)
            #expect(measured.requests > 20)
        }
    }

    @Test func oneChangedBitOfADatagramIsCorruption() throws {
        for name in ["udp-64Bx2", "udp-pipelined-64Bx2x4", "udp-plain-64Bx2x4"] {
            let workload = try #require(Workload(named: name))
            #expect(try LossyEcho(spoils: 21).drive(workload, seconds: 0.05).corruptions == 1)
        }
    }

    /// Each connection has a stream of its own, so that another's bytes are not taken for its own.
    @Test func anotherConnectionsAnswerIsCorruption() throws {
        var held: PliantServer.Message?
        let server = try PliantServer(messageBytes: 64) { server, message in
            guard let first = held else { return held = message }
            guard first.connection != message.connection else { return }
            server.answer(message.connection, first.bytes)
            server.answer(first.connection, message.bytes)
        }
        let measured = try server.drive("unix-64Bx2", seconds: 0.05)
        #expect(measured.corruptions == 2 && measured.requests == 0)
    }

    /// Even where it is what would have been sent next: a message of the pattern's whole period follows upon itself.
    @Test func moreThanWasSentIsCorruption() throws {
        for name in ["unix-65521Bx1", "unix-churn-65521Bx1"] {
            let server = try PliantServer(messageBytes: 65_521) { server, message in
                server.answer(message.connection, message.bytes + (message.index == 3 ? message.bytes : []))
            }
            #expect(try server.drive(name, seconds: 0.02).corruptions == 1)
        }
    }

    /// It shows where it comes out, and so does what belongs to another client or comes twice.
    @Test(arguments: SimulatedForwarder.Fault.allCases)
    func whatIsForwardedWronglyIsCorruption(_ fault: SimulatedForwarder.Fault) throws {
        let proxy = try SimulatedForwarder(fault)
        let measured = try proxy.drive("proxy-16KiBx2", seconds: 0.1)
        #expect(measured.errors == 0)
        #expect(fault == .none ? measured.corruptions == 0 : (1...2).contains(measured.corruptions))
        #expect(measured.bytes > 0)
    }

    @Test func aStreamOfSomethingElseIsCorruption() throws {
        let server = try PliantServer(messageBytes: 64) { _, _ in }
        server.greeting = Array(repeating: 0, count: 1_000)
        let measured = try server.drive("unix-stream-out-64Bx1", seconds: 0.01)
        #expect(measured.corruptions == 1 && measured.bytes == 0)
    }
}
