import SystemPackage

@testable import Proactor

/// What the calls behind it do, for a test to override what it wants otherwise.
///
/// `@unchecked Sendable`: as its subclasses say.
class ForwardingSystemCalls: SystemCalls, @unchecked Sendable {
    var processes: any ProcessCalls
    var unixSockets: any UnixSocketCalls
    private let inner: any SystemCalls

    init(_ inner: any SystemCalls) {
        self.inner = inner
        processes = inner.processes
        unixSockets = inner.unixSockets
    }

    var direct: any DirectCalls { inner.direct }
    func now() -> LoopInstant { inner.now() }

    func writeWithoutWaiting(_ bytes: UnsafeRawBufferPointer, to pipe: FileDescriptor) -> Int {
        inner.writeWithoutWaiting(bytes, to: pipe)
    }

    func hasOnlyErrors(_ descriptor: FileDescriptor) -> Bool { inner.hasOnlyErrors(descriptor) }

    func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer, on socket: FileDescriptor) -> Int {
        inner.sendWithoutWaiting(bytes, on: socket)
    }

    func sendDatagrams(
        _ datagrams: UnsafeBufferPointer<OutgoingDatagram>,
        on socket: FileDescriptor,
        runSizeMax: inout UInt32
    ) -> Int {
        inner.sendDatagrams(datagrams, on: socket, runSizeMax: &runSizeMax)
    }

    func makeSocket(
        _ family: AddressFamily,
        _ type: SocketType,
        protocolNumber: Int32
    ) throws(Errno) -> FileDescriptor {
        try inner.makeSocket(family, type, protocolNumber: protocolNumber)
    }

    func setOption(_ option: SocketOption, to bytes: UnsafeRawBufferPointer, on socket: FileDescriptor)
        throws(Errno)
    {
        try inner.setOption(option, to: bytes, on: socket)
    }

    func readOption(
        _ option: SocketOption,
        of socket: FileDescriptor,
        into room: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        try inner.readOption(option, of: socket, into: room)
    }

    func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) {
        try inner.bind(socket, to: address)
    }

    func listen(_ socket: FileDescriptor, backlog: Int32) throws(Errno) {
        try inner.listen(socket, backlog: backlog)
    }

    func localAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        try inner.localAddress(of: socket)
    }

    func peerAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress {
        try inner.peerAddress(of: socket)
    }

    func setOption(_ option: SocketOption, to value: Int32, on socket: FileDescriptor) throws(Errno) {
        try inner.setOption(option, to: value, on: socket)
    }

    func stopJoiningDatagrams(on socket: FileDescriptor) throws(Errno) {
        try inner.stopJoiningDatagrams(on: socket)
    }

    func option(_ option: SocketOption, of socket: FileDescriptor) throws(Errno) -> Int32 {
        try inner.option(option, of: socket)
    }

    func streamState(of socket: FileDescriptor) throws(Errno) -> StreamState {
        try inner.streamState(of: socket)
    }
    func takeQueuedError(of socket: FileDescriptor) -> QueuedError? { inner.takeQueuedError(of: socket) }

    func isReady(_ descriptor: FileDescriptor, for side: Readiness) -> Bool {
        inner.isReady(descriptor, for: side)
    }

    func shutdownWriting(_ socket: FileDescriptor) throws(Errno) { try inner.shutdownWriting(socket) }
    func makeTransferPipe() throws(Errno) -> TransferPipe { try inner.makeTransferPipe() }

    func exchangeSendTimeout(of socket: FileDescriptor, microseconds: Int64) throws(Errno) -> Int64 {
        try inner.exchangeSendTimeout(of: socket, microseconds: microseconds)
    }

    func adopt(_ descriptor: FileDescriptor) throws(Errno) { try inner.adopt(descriptor) }

    func checkCanBeWatched(_ descriptor: FileDescriptor) throws(Errno) {
        try inner.checkCanBeWatched(descriptor)
    }

    func resetConnection(_ socket: FileDescriptor) { inner.resetConnection(socket) }
    func stopLingering(_ descriptor: FileDescriptor) { inner.stopLingering(descriptor) }
    func close(_ descriptor: FileDescriptor) throws(Errno) { try inner.close(descriptor) }
    func closeElsewhere(_ descriptor: FileDescriptor) { inner.closeElsewhere(descriptor) }

    func addressInfo(_ query: AddressQuery) throws(ResolutionError) -> [AddressInfo] {
        try inner.addressInfo(query)
    }

    func nameInfo(
        of address: SocketAddress,
        flags: NameInfoFlags
    ) throws(ResolutionError) -> (host: String, service: String) {
        try inner.nameInfo(of: address, flags: flags)
    }
}
