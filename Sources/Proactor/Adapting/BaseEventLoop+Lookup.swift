extension BaseEventLoop {
    /// Looks a host up, and calls `whenDone` with its addresses, those of different families taking turns: at once for a numeric host,
    /// and else in a later turn. On the loop's thread only.
    package func lookUp(
        host: String,
        port: UInt16,
        type: SocketType,
        isPassive: Bool,
        whenDone: @escaping (Result<[SocketAddress], any Error>) -> Void
    ) {
        if let address = SocketAddress(numericHost: host, port: port) { return whenDone(.success([address])) }
        _ = LoopTask(on: self, name: "looking up \(host)") {
            do {
                let found = try await self.resolve(
                    host: host,
                    port: .number(port),
                    family: nil,
                    type: type,
                    isPassive: isPassive
                )
                whenDone(.success(AddressOrder.interleaved(found, firstFamilyCount: 1)))
            } catch {
                whenDone(.failure(error))
            }
        }
    }
}
