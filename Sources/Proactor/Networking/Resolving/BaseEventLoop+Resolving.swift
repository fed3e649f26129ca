extension BaseEventLoop {
    nonisolated(nonsending) public func getaddrinfo(
        host: String?,
        service: String?,
        family: AddressFamily?,
        type: SocketType?,
        protocolNumber: Int32,
        flags: AddressInfoFlags
    ) async throws -> [AddressInfo] {
        try checkMayBegin("getaddrinfo")
        let query = AddressQuery(
            host: host,
            service: service,
            family: family,
            type: type,
            protocolNumber: protocolNumber,
            flags: flags
        )
        guard !query.isNumeric else { return try system.addressInfo(query) }
        return try await runInExecutor { [system] in try system.addressInfo(query) }
    }

    nonisolated(nonsending) public func getnameinfo(
        _ address: SocketAddress,
        flags: NameInfoFlags
    ) async throws -> (host: String, service: String) {
        try checkMayBegin("getnameinfo")
        guard !flags.isSuperset(of: [.numericHost, .numericService]) else {
            return try system.nameInfo(of: address, flags: flags)
        }
        return try await runInExecutor { [system] in try system.nameInfo(of: address, flags: flags) }
    }

    /// The addresses of `host` for a socket of this type, each once, in the order in which to try them; never none.
    ///
    /// - Parameter isPassive: to listen at: an empty host stands for every interface.
    /// - Throws: ``ResolutionError`` when there is none, and as
    ///   ``getaddrinfo(host:service:family:type:protocolNumber:flags:)``.
    nonisolated(nonsending) func resolve(
        host: String,
        port: ServicePort,
        family: AddressFamily?,
        type: SocketType = .stream,
        protocolNumber: Int32 = 0,
        flags: AddressInfoFlags = [],
        isPassive: Bool = false
    ) async throws -> [SocketAddress] {
        // Other flags may ask for more than the address that is given.
        if case .number(let number) = port, flags.isSubset(of: [.passive, .numericHost]),
            let address = SocketAddress(numericHost: host, port: number)
        {
            guard family == nil || family == address.family else {
                throw ResolutionError(host: host, service: port.text, code: .noAddressInFamily)
            }
            return [address]
        }
        let found = try await getaddrinfo(
            host: isPassive && host.isEmpty ? nil : host,
            service: port.text,
            family: family,
            type: type,
            protocolNumber: protocolNumber,
            flags: isPassive ? flags.union(.passive) : flags
        )
        // Cancelled as the answer came, the caller makes nothing of it.
        try checkCancellation()
        var addresses: [SocketAddress] = []
        for info in found where !addresses.contains(info.address) { addresses.append(info.address) }
        guard !addresses.isEmpty else {
            throw ResolutionError(host: host, service: port.text, code: .noAddress)
        }
        return addresses
    }
}
