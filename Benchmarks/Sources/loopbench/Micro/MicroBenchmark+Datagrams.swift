import Proactor

extension MicroBenchmark {
    /// Heap allocations for a datagram that one endpoint sends to another of the same loop, and gets back.
    static func datagramAllocations(on kind: LoopKind, _ count: Int) throws -> Double {
        try withLoop(kind) { loop in
            let client = CountedDatagrams(skipping: 1_000, counting: count)
            return try loop.runUntilComplete {
                let (server, _) = try await loop.createDatagramEndpoint(localAddress: ("127.0.0.1", 0)) {
                    DatagramEcho()
                }
                let port = server.extraInfo(.socketName)?.port ?? 0
                let (transport, _) = try await loop.createDatagramEndpoint(
                    remoteAddress: ("127.0.0.1", port)
                ) { client }
                try transport.sendTo([UInt8](repeating: 7, count: 64))
                let ended = loop.createFuture()
                client.whenDone = { try ended.setResult(()) }
                try await ended.value()
                transport.abort()
                server.abort()
                return client.allocationsPerDatagram
            }
        }
    }
}
