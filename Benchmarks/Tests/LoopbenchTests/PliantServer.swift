import Foundation

@testable import loopbench

/// A server over a Unix socket that does with whole messages what a test says, in simulated time.
final class PliantServer: SimulatedTime {
    /// One message, whole.
    struct Message {
        /// How many came before it, on all connections.
        var index: Int
        /// The connection, in the order of coming.
        var connection: Int
        var bytes: ArraySlice<UInt8>
    }

    private let path = "@loopbench-test-\(UUID().uuidString)"
    private let listener: Int32
    private let messageBytes: Int
    private let act: (PliantServer, Message) -> Void
    private var connections: [Int32] = []
    private var received: [[UInt8]] = []
    private(set) var messages = 0
    /// What each connection gets as soon as it is there.
    var greeting: [UInt8] = []
    /// What it takes from a connection each time that it has its turn, at most.
    var pieceBytesMax = 1 << 17

    init(messageBytes: Int, _ act: @escaping (PliantServer, Message) -> Void) throws {
        (self.messageBytes, self.act) = (messageBytes, act)
        listener = try Self.listener(at: path)
    }

    deinit { for descriptor in connections + [listener] where descriptor >= 0 { close(descriptor) } }

    func drive(
        _ name: String,
        seconds: Double,
        warmUp: Double = 0,
        processID: Int32 = 0
    ) throws -> loopbench.Measurement {
        guard let workload = Workload(named: name) else {
            throw SelectionError(kind: "workload", name: name, known: [])
        }
        return try drive(
            workload,
            at: .unix(path: path),
            seconds: seconds,
            warmUp: warmUp,
            processID: processID
        )
    }

    func answer(_ connection: Int, _ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        let sent = send(connections[connection], bytes, bytes.count, Int32(MSG_NOSIGNAL))
        precondition(sent == bytes.count || sent < 0, "a message is small enough to be taken whole")
    }

    override func serve() {
        while case let connection = accept(listener, nil, nil), connection >= 0 {
            connections.append(connection)
            received.append([])
            if !greeting.isEmpty { answer(connections.count - 1, greeting) }
        }
        var buffer = [UInt8](repeating: 0, count: pieceBytesMax)
        for index in connections.indices where connections[index] >= 0 {
            let count = recv(connections[index], &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count == 0 {
                close(connections[index])
                connections[index] = -1
            }
            guard count > 0 else { continue }
            received[index] += buffer[..<count]
            while received[index].count >= messageBytes {
                let message = Message(
                    index: messages,
                    connection: index,
                    bytes: received[index].prefix(messageBytes)
                )
                messages += 1
                received[index].removeFirst(messageBytes)
                act(self, message)
            }
        }
    }
}
