import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func sockConnect(
        _ socket: FileDescriptor,
        to address: SocketAddress
    ) async throws {
        try checkMayBegin("sockConnect")
        if try !takeSide(.write, of: socket, for: .connect) { try await waitForTurn(.write, of: socket) }
        defer { descriptors.releaseAfterCall(socket, .write) }
        // A ring takes "connected already" for the end of this connect, as some kernels tell it so.
        let type = try? system.option(.socketType, of: socket)
        if type == SocketType.stream.rawValue, (try? system.peerAddress(of: socket)) != nil {
            throw SocketError(.connect, .socketIsConnected, address: address)
        }
        let result = try await connectResult(socket, to: address)
        if result < 0 { throw callFailed(.connect, result, socket, address) }
    }

    nonisolated(nonsending) public func sockConnect(
        _ socket: FileDescriptor,
        host: String,
        port: UInt16
    ) async throws {
        try checkMayBegin("sockConnect")
        let number: Int32
        do { number = try system.option(.addressFamily, of: socket) } catch {
            throw SocketError(.inspect, error)
        }
        guard let family = AddressFamily(rawValue: number), family != .unix else {
            throw EventLoopError.invalidArgument(
                "socket \(socket.rawValue) is no internet socket: connect it to an address"
            )
        }
        let addresses = try await resolve(host: host, port: .number(port), family: family)
        try await sockConnect(socket, to: addresses[0])
    }

    /// The connect's result: zero, or minus errno. Cancelled, it may have succeeded all the same.
    nonisolated(nonsending) func connectResult(
        _ socket: FileDescriptor,
        to address: SocketAddress
    ) async throws -> Int32 {
        let memory: AddressMemory
        do { memory = AddressMemory(try address.kernelForm()) } catch {
            throw SocketError(.connect, error, address: address)
        }
        return try await AwaitedOperation.perform(
            .connect(socket, memory.pointer),
            keeping: memory,
            on: self
        )
    }

    nonisolated(nonsending) public func sockAccept(
        _ listener: FileDescriptor
    ) async throws -> (socket: FileDescriptor, address: SocketAddress) {
        try checkMayBegin("sockAccept")
        if try !takeSide(.read, of: listener, for: .accept) { try await waitForTurn(.read, of: listener) }
        defer { descriptors.releaseAfterCall(listener, .read) }
        let memory = AddressMemory(.blank)
        let result = try await AwaitedOperation.perform(
            .acceptOnce(listener, memory.pointer),
            keeping: memory,
            on: self
        )
        guard result >= 0 else { throw acceptFailed(result, listener) }
        let socket = FileDescriptor(rawValue: result)
        unclaimed.remove(socket)
        guard let address = memory.address else {
            // A family that this library does not know: the caller could not be told who it is.
            try? system.close(socket)
            throw SocketError(.accept, .addressFamilyNotSupported)
        }
        return (socket, address)
    }

    private func acceptFailed(_ result: Int32, _ listener: FileDescriptor) -> SocketError {
        callFailed(.accept, result, listener, try? system.localAddress(of: listener))
    }
}
