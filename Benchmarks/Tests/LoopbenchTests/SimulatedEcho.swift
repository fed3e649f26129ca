import Foundation

@testable import loopbench

/// Time that passes only when the load asks for it, and a server that has its turn then.
///
/// Load and server so take turns on one thread, and what a run finds does not depend on what else the machine does.
class SimulatedTime {
    /// How far the time moves each time that the load asks for it, in nanoseconds.
    static let stepNanoseconds: UInt64 = 20_000

    var nanoseconds: UInt64 = 1_000_000_000
    /// Where the server's children are looked for. This process is its own server, and has children of other tests.
    var processFolder = "/nowhere"
    var throttleFile: String?
    /// What the load believes; for workloads over TLS.
    var certificate: RunCertificate?
    var patienceSeconds = 10.0

    /// Lets the server do what it can at the present time. For subclasses.
    func serve() {}

    /// Runs `workload` against the server, in this time.
    func drive(
        _ workload: Workload,
        at endpoint: Contender.Endpoint,
        seconds: Double,
        warmUp: Double = 0,
        processID: Int32 = 0,
        upstream: Upstream? = nil
    ) throws -> loopbench.Measurement {
        var generator = LoadGenerator(warmUpSeconds: warmUp, windowSeconds: seconds)
        generator.clock = LoadGenerator.SimulatedClock(
            read: { context in
                guard let context else { return 0 }
                let time = Unmanaged<SimulatedTime>.fromOpaque(context).takeUnretainedValue()
                time.nanoseconds += SimulatedTime.stepNanoseconds
                time.serve()
                return time.nanoseconds
            },
            context: Unmanaged.passUnretained(self).toOpaque()
        )
        (generator.certificate, generator.patienceSeconds) = (certificate, patienceSeconds)
        (generator.processFolder, generator.throttleFile) = (processFolder, throttleFile)
        return try withExtendedLifetime(self) {
            try generator.measure(
                workload,
                contender: "simulated",
                round: 1,
                endpoint: endpoint,
                processID: processID,
                upstream: upstream
            )
        }
    }

    struct SocketFailure: Error { var code: Int32 }
}

/// Sends back what it receives over a Unix socket, and stands still once, sends back something else once, or ends all
/// connections.
final class StallingEcho: SimulatedTime {
    private let path = "@loopbench-test-\(UUID().uuidString)"
    private let listener: Int32
    private var connections: [Int32] = []
    private var receives = 0
    private let stallNanoseconds: UInt64
    private let after: Int
    private let spoils: Bool
    private let ends: Bool
    private var standsUntil: UInt64 = 0
    /// What it received when it began to stand still.
    private var held: (connection: Int32, bytes: ArraySlice<UInt8>)?

    /// - Parameter after: so many receives.
    init(stall: Duration = .zero, after: Int, spoils: Bool = false, ends: Bool = false) throws {
        stallNanoseconds = UInt64(stall / .nanoseconds(1))
        (self.after, self.spoils, self.ends) = (after, spoils, ends)
        listener = try Self.listener(at: path)
    }

    deinit { for descriptor in connections + [listener] { close(descriptor) } }

    func drive(_ name: String, seconds: Double) throws -> loopbench.Measurement {
        guard let workload = Workload(named: name) else {
            throw SelectionError(kind: "workload", name: name, known: [])
        }
        return try drive(workload, at: .unix(path: path), seconds: seconds)
    }

    override func serve() {
        guard nanoseconds >= standsUntil else { return }
        if let held {
            answer(held.connection, held.bytes)
            self.held = nil
        }
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            connections.append(connection)
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        for connection in connections {
            let count = recv(connection, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { continue }
            receives += 1
            if receives == after, spoils { buffer[0] ^= 1 }
            if receives == after, ends {
                // A child that another test starts at this moment may have copies of them.
                for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
                for connection in connections { close(connection) }
                connections = []
                return
            }
            if receives == after, stallNanoseconds > 0 {
                standsUntil = nanoseconds + stallNanoseconds
                held = (connection, buffer[..<count])
                return
            }
            answer(connection, buffer[..<count])
        }
    }

    private func answer(_ connection: Int32, _ bytes: ArraySlice<UInt8>) {
        _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
