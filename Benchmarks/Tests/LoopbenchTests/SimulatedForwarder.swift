import Foundation

@testable import loopbench

/// Forwards each connection to the load's own listener, in simulated time, and does something wrong once.
final class SimulatedForwarder: SimulatedTime {
    enum Fault: CaseIterable, Sendable {
        case none
        /// One bit is another.
        case changed
        /// A piece comes twice.
        case doubled
        /// A piece goes to the other client's upstream.
        case misled
    }

    private struct Pair {
        var client, upstream: Int32
        var waiting: [UInt8] = []
        var forwarded = 0
    }

    private let listener: Upstream
    private let upstream: Upstream
    private let fault: Fault
    private var pairs: [Pair] = []
    private var isFaultDue = true

    init(_ fault: Fault) throws {
        self.fault = fault
        listener = try Upstream()
        upstream = try Upstream()
    }

    deinit { for pair in pairs { for descriptor in [pair.client, pair.upstream] { close(descriptor) } } }

    func drive(_ name: String, seconds: Double) throws -> loopbench.Measurement {
        guard let workload = Workload(named: name) else {
            throw SelectionError(kind: "workload", name: name, known: [])
        }
        let endpoint = Contender.Endpoint.tcp(host: "127.0.0.1", port: listener.port)
        return try drive(workload, at: endpoint, seconds: seconds, upstream: upstream)
    }

    override func serve() {
        while case let client = accept(listener.descriptor, nil, nil), client >= 0 {
            let place = Contender.Endpoint.tcp(host: "127.0.0.1", port: upstream.port)
            pairs.append(Pair(client: client, upstream: Probe.connected(to: place) ?? -1))
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        for index in pairs.indices {
            if pairs[index].waiting.isEmpty {
                let count = recv(pairs[index].client, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                guard count > 0 else { continue }
                pairs[index].waiting = Array(buffer[..<count])
                commitFault(at: index)
            }
            let waiting = pairs[index].waiting
            let sent = send(
                pairs[index].upstream,
                waiting,
                waiting.count,
                Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
            )
            guard sent > 0 else { continue }
            pairs[index].waiting.removeFirst(sent)
            pairs[index].forwarded += sent
        }
    }

    /// Once both have forwarded enough for the load to know who they are.
    private func commitFault(at index: Int) {
        guard isFaultDue, pairs.count == 2, pairs.allSatisfy({ $0.forwarded > 1 << 15 }) else { return }
        switch fault {
        case .none: break
        case .changed: pairs[index].waiting[pairs[index].waiting.count / 2] ^= 1
        case .doubled: pairs[index].waiting += pairs[index].waiting
        case .misled:
            (pairs[index].waiting, pairs[1 - index].waiting) = (
                pairs[1 - index].waiting, pairs[index].waiting
            )
        }
        isFaultDue = false
    }
}
