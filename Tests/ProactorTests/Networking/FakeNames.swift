import SystemPackage
import Testing

@testable import Proactor
@testable import ProactorTesting

/// The system's calls with a table of names of its own, and a list of the sockets that were made and not
/// closed.
///
/// `@unchecked Sendable`: the list is behind a lock, and nothing else changes.
final class FakeNames: ForwardingSystemCalls, @unchecked Sendable {
    private let hosts: [String: [SocketAddress]]
    private let sockets = ThreadLock<Set<Int32>>([])

    var openSockets: Set<Int32> { sockets.withLock { $0 } }

    init(_ hosts: [String: [SocketAddress]], over system: any SystemCalls) {
        self.hosts = hosts
        super.init(system)
    }

    override func addressInfo(_ query: AddressQuery) throws(ResolutionError) -> [AddressInfo] {
        guard let host = query.host, let addresses = hosts[host] else {
            return try super.addressInfo(query)
        }
        let port = query.service.flatMap { UInt16($0) } ?? 0
        let wanted = addresses.filter { query.family == nil || $0.family == query.family }
        guard !wanted.isEmpty else { throw ResolutionError(host: host, code: .noAddressInFamily) }
        return wanted.map { AddressInfo(address: $0.withPort(port), type: query.type, protocolNumber: 6) }
    }

    override func makeSocket(
        _ family: AddressFamily,
        _ type: SocketType,
        protocolNumber: Int32
    ) throws(Errno) -> FileDescriptor {
        let socket = try super.makeSocket(family, type, protocolNumber: protocolNumber)
        _ = sockets.withLock { $0.insert(socket.rawValue) }
        return socket
    }

    override func close(_ descriptor: FileDescriptor) throws(Errno) {
        isClosing(descriptor)
        try super.close(descriptor)
    }

    func isClosing(_ socket: FileDescriptor) {
        _ = sockets.withLock { $0.remove(socket.rawValue) }
    }
}

/// A loop's backend with other names.
final class FakeNamesBackend: ForwardingBackend {
    let names: FakeNames

    init(_ hosts: [String: [SocketAddress]], over backend: any CompletionBackend) {
        names = FakeNames(hosts, over: backend.system)
        super.init(backend, system: names)
    }

    override func endAccept(_ token: OperationToken, closing listener: FileDescriptor) -> Bool {
        names.isClosing(listener)
        return super.endAccept(token, closing: listener)
    }

    @discardableResult
    override func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        if case .close(let descriptor) = operation { names.isClosing(descriptor) }
        return super.submit(operation, owner: owner)
    }
}

extension LoopKind {
    /// As ``withLoop``, with a loop that finds these addresses for these hosts; checks that every socket was
    /// closed.
    func withLoop(
        hosts: [String: [SocketAddress]],
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: @escaping @Sendable (BaseEventLoop) throws -> Void
    ) async throws {
        try await withLoop(sourceLocation: sourceLocation) { inner in
            let backend = FakeNamesBackend(hosts, over: inner.backend)
            let loop = BaseEventLoop(backend: backend, label: "fake names")
            try body(loop)
            try loop.turn { loop.backend.operationCount == 0 && loop.openTransports.count == 0 }
            #expect(backend.operationCount == 0, "operations leaked", sourceLocation: sourceLocation)
            #expect(backend.names.openSockets.isEmpty, "sockets leaked", sourceLocation: sourceLocation)
            try loop.close()
        }
    }
}
