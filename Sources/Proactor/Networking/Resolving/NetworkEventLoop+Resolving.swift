extension NetworkEventLoop {
    /// The addresses of a host and a service; see
    /// ``getaddrinfo(host:service:family:type:protocolNumber:flags:)``.
    nonisolated(nonsending) public func getaddrinfo(
        host: String?,
        service: String,
        family: AddressFamily? = nil,
        type: SocketType? = nil
    ) async throws -> [AddressInfo] {
        try await getaddrinfo(
            host: host,
            service: service,
            family: family,
            type: type,
            protocolNumber: 0,
            flags: []
        )
    }

    /// The addresses of a host, with a port in them; see
    /// ``getaddrinfo(host:service:family:type:protocolNumber:flags:)``.
    nonisolated(nonsending) public func getaddrinfo(
        host: String?,
        port: UInt16,
        family: AddressFamily? = nil,
        type: SocketType? = nil,
        protocolNumber: Int32 = 0,
        flags: AddressInfoFlags = []
    ) async throws -> [AddressInfo] {
        try await getaddrinfo(
            host: host,
            service: String(port),
            family: family,
            type: type,
            protocolNumber: protocolNumber,
            flags: flags
        )
    }

    /// The names of the host and the service at `address`, as far as they can be found; see
    /// ``getnameinfo(_:flags:)``.
    nonisolated(nonsending) public func getnameinfo(
        _ address: SocketAddress
    ) async throws -> (host: String, service: String) {
        try await getnameinfo(address, flags: [])
    }
}
