import SystemPackage

extension BaseEventLoop {
    nonisolated(nonsending) public func connectReadPipe<Protocol: ConnectionProtocol>(
        _ pipe: FileDescriptor,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any ReadTransport, protocol: Protocol) {
        try checkMayBegin("connectReadPipe")
        let found = try inspectPipe(pipe)
        guard found.isReadable else { throw PipeError.notOpenForReading }
        return try startPipe(
            pipe,
            end: .reading(waitsForWriter: found.kind == .pipe),
            kind: found.kind,
            protocolFactory
        )
    }

    nonisolated(nonsending) public func connectWritePipe<Protocol: ConnectionProtocol>(
        _ pipe: FileDescriptor,
        protocolFactory: () throws -> Protocol
    ) async throws -> (transport: any WriteTransport, protocol: Protocol) {
        try checkMayBegin("connectWritePipe")
        let found = try inspectPipe(pipe)
        guard found.isWritable else { throw PipeError.notOpenForWriting }
        return try startPipe(pipe, end: .writing, kind: found.kind, protocolFactory)
    }

    /// Refuses what is in use already, or can not be waited for.
    private func inspectPipe(_ pipe: FileDescriptor) throws -> DescriptorDescription {
        try descriptors.checkFree(pipe)
        let found: DescriptorDescription
        do { found = try system.processes.inspect(pipe) } catch {
            throw PipeError.failed(.inspect, error)
        }
        switch found.kind {
        case .pipe, .terminal: return found
        case .socket:
            try checkHasPeer(pipe)
            return found
        case .messageSocket, .device, .blockDevice, .regularFile, .directory, .other:
            throw PipeError.notAPipe(found.kind)
        }
    }

    private func startPipe<Protocol: ConnectionProtocol>(
        _ pipe: FileDescriptor,
        end: PipeTransport.End,
        kind: DescriptorKind,
        _ protocolFactory: () throws -> Protocol
    ) throws -> (transport: PipeTransport, protocol: Protocol) {
        let adopted: AdoptedPipe
        do { adopted = try system.processes.adoptPipe(pipe) } catch {
            throw PipeError.failed(.inspect, error)
        }
        let connectionProtocol: Protocol
        do { connectionProtocol = try makeProtocol(for: pipe, by: protocolFactory) } catch {
            if adopted.hasOwnFile { try? system.close(adopted.used) }
            throw error
        }
        let transport = PipeTransport(
            loop: self,
            pipe: adopted,
            end: end,
            kind: kind,
            connectionProtocol: connectionProtocol
        )
        transport.start()
        return (transport, connectionProtocol)
    }
}
