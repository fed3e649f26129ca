extension BaseEventLoop {
    /// The addresses of `host`, in the order in which to try them.
    nonisolated(nonsending) func resolve(
        host: String,
        port: UInt16,
        family: AddressFamily?
    ) async throws -> [SocketAddress] {
        if let address = SocketAddress(numericHost: host, port: port) { return [address] }
        throw EventLoopError.invalidArgument("\(host) is not an address")
    }
}
