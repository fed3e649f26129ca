import SystemPackage
import Testing

@testable import Proactor

/// The system's calls with a table of names of its own, and a list of the sockets that were made and not
/// closed.
final class FakeNames: SystemCalls {
    private let system: any SystemCalls
    private let hosts: [String: [SocketAddress]]
    private let sockets = Lock<Set<Int32>>([])

    var openSockets: Set<Int32> { sockets.withLock { $0 } }

    func isClosing(_ socket: FileDescriptor) {
        _ = sockets.withLock { $0.remove(socket.rawValue) }
    }

    init(_ hosts: [String: [SocketAddress]], over system: any SystemCalls) {
        self.hosts = hosts
        self.system = system
    }

    func addressInfo(_ query: AddressQuery) throws(ResolutionError) -> [AddressInfo] {
        guard let host = query.host, let addresses = hosts[host] else {
            return try system.addressInfo(query)
        }
        let port = query.service.flatMap { UInt16($0) } ?? 0
        let wanted = addresses.filter { query.family == nil || $0.family == query.family }
        guard !wanted.isEmpty else { throw ResolutionError(host: host, code: .noAddressInFamily) }
        return wanted.map { AddressInfo(address: $0.withPort(port), type: query.type, protocolNumber: 6) }
    }

    func nameInfo(
        of address: SocketAddress,
        flags: NameInfoFlags
    ) throws(ResolutionError) -> (host: String, service: String) {
        try system.nameInfo(of: address, flags: flags)
    }

    var processes: any ProcessCalls { system.processes }
    func now() -> LoopInstant { system.now() }
    func makeSocket(_ family: AddressFamily, _ type: SocketType) throws(Errno) -> FileDescriptor {
        let socket = try system.makeSocket(family, type)
        _ = sockets.withLock { $0.insert(socket.rawValue) }
        return socket
    }
    func makeSocketPair() throws(Errno) -> (FileDescriptor, FileDescriptor) { try system.makeSocketPair() }
    func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) {
        try system.bind(socket, to: address)
    }
    func listen(_ socket: FileDescriptor, backlog: Int32) throws(Errno) {
        try system.listen(socket, backlog: backlog)
    }
    func localAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        try system.localAddress(of: socket)
    }
    func peerAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        try system.peerAddress(of: socket)
    }
    func setOption(_ option: SocketOption, to value: Int32, on socket: FileDescriptor) throws(Errno) {
        try system.setOption(option, to: value, on: socket)
    }
    func option(_ option: SocketOption, of socket: FileDescriptor) throws(Errno) -> Int32 {
        try system.option(option, of: socket)
    }
    func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer, on socket: FileDescriptor) -> Int {
        system.sendWithoutWaiting(bytes, on: socket)
    }

    func sendDatagrams(
        _ datagrams: UnsafeBufferPointer<OutgoingDatagram>,
        on socket: FileDescriptor
    ) -> Int {
        system.sendDatagrams(datagrams, on: socket)
    }
    func shutdownWriting(_ socket: FileDescriptor) throws(Errno) { try system.shutdownWriting(socket) }
    func makeTransferPipe() throws(Errno) -> TransferPipe { try system.makeTransferPipe() }
    func exchangeSendTimeout(of socket: FileDescriptor, microseconds: Int64) throws(Errno) -> Int64 {
        try system.exchangeSendTimeout(of: socket, microseconds: microseconds)
    }
    func adopt(_ descriptor: FileDescriptor) throws(Errno) { try system.adopt(descriptor) }
    func checkCanBeWatched(_ descriptor: FileDescriptor) throws(Errno) {
        try system.checkCanBeWatched(descriptor)
    }
    func close(_ descriptor: FileDescriptor) throws(Errno) {
        isClosing(descriptor)
        try system.close(descriptor)
    }
    func identity(ofFileAt path: String) throws(Errno) -> FileIdentity? {
        try system.identity(ofFileAt: path)
    }
    func removeFile(at path: String) throws(Errno) { try system.removeFile(at: path) }
}

/// A loop's backend with other names.
final class FakeNamesBackend: CompletionBackend {
    private let backend: any CompletionBackend
    let names: FakeNames
    var system: any SystemCalls { names }

    init(_ hosts: [String: [SocketAddress]], over backend: any CompletionBackend) {
        self.backend = backend
        names = FakeNames(hosts, over: backend.system)
    }

    var waker: any LoopWaker { backend.waker }
    var operationCount: Int { backend.operationCount }
    var immediateSendSize: Int { backend.immediateSendSize }
    func start() throws(RingUnavailable) { try backend.start() }
    func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        if case .close(let descriptor) = operation { names.isClosing(descriptor) }
        return backend.submit(operation, owner: owner)
    }
    func cancel(_ token: OperationToken) { backend.cancel(token) }
    func settle() { backend.settle() }
    func poll(timeoutNanoseconds: Int64) { backend.poll(timeoutNanoseconds: timeoutNanoseconds) }
    func deliver() { backend.deliver() }
    func close() { backend.close() }
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
            for _ in 0..<1000 where loop.backend.operationCount > 0 || loop.openTransports.count > 0 {
                loop.stop()
                try loop.runForever()
            }
            #expect(backend.operationCount == 0, "operations leaked", sourceLocation: sourceLocation)
            #expect(backend.names.openSockets.isEmpty, "sockets leaked", sourceLocation: sourceLocation)
            try loop.close()
        }
    }
}
