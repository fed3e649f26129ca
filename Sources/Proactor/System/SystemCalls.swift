import CPosix
import SystemPackage

/// A datagram on its way out: where its bytes are, and its destination in the kernel's form. Without one it goes to where the
/// socket is connected. It owns neither.
package typealias OutgoingDatagram = cposix_datagram

/// The calls to the kernel that complete at once: everything above the backends that is not an ``IOOperation``.
///
/// It is part of the seam: a simulated kernel implements it too, so nothing above Backend/ may call the kernel on a
/// descriptor, read a clock or touch a path in another way.
package protocol SystemCalls: AnyObject, Sendable {
    /// The calls for pipes, child processes and signals.
    var processes: any ProcessCalls { get }
    /// The calls for Unix sockets.
    var unixSockets: any UnixSocketCalls { get }
    /// The calls that move bytes at once.
    var direct: any DirectCalls { get }

    func now() -> LoopInstant

    /// Zero is the protocol that the type usually has.
    func makeSocket(
        _ family: AddressFamily,
        _ type: SocketType,
        protocolNumber: Int32
    ) throws(Errno) -> FileDescriptor
    func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno)
    func listen(_ socket: FileDescriptor, backlog: Int32) throws(Errno)
    func localAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress
    func peerAddress(of socket: FileDescriptor) throws(Errno) -> SocketAddress
    func setOption(_ option: SocketOption, to value: Int32, on socket: FileDescriptor) throws(Errno)
    func option(_ option: SocketOption, of socket: FileDescriptor) throws(Errno) -> Int32
    /// Sets an option of any size.
    func setOption(_ option: SocketOption, to bytes: UnsafeRawBufferPointer, on socket: FileDescriptor)
        throws(Errno)
    /// Fills the room with an option of any size, and returns how many bytes there are.
    func readOption(
        _ option: SocketOption,
        of socket: FileDescriptor,
        into room: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int
    /// Turns ``SocketOption/joinDatagrams`` off, unless there are datagrams to receive: the kernel would hand over those that it
    /// has joined before without a word about it.
    func stopJoiningDatagrams(on socket: FileDescriptor) throws(Errno)
    func streamState(of socket: FileDescriptor) throws(Errno) -> StreamState
    /// Sends what the kernel takes without waiting and returns how many bytes that is, zero when there is no room; or minus
    /// errno. The kernel tells an error once: an operation that follows may tell another or none.
    func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer, on socket: FileDescriptor) -> Int
    /// The same to a pipe or a terminal, without SIGPIPE.
    func writeWithoutWaiting(_ bytes: UnsafeRawBufferPointer, to pipe: FileDescriptor) -> Int
    /// Sends datagrams in order, without waiting, until one is refused. Returns how many went out, or minus errno when it was
    /// the first that was refused.
    ///
    /// UDP datagrams of at most `runSizeMax` bytes that follow each other to one destination may pass the network stack as one;
    /// who receives them sees no difference. Where the kernel cannot do that, it is lowered; zero forbids it.
    func sendDatagrams(
        _ datagrams: UnsafeBufferPointer<OutgoingDatagram>,
        on socket: FileDescriptor,
        runSizeMax: inout UInt32
    ) -> Int
    /// Takes the oldest entry of a socket's error queue, as long as which holds any no wait on the socket lasts. `nil` when it
    /// is empty, or when the socket has none.
    func takeQueuedError(of socket: FileDescriptor) -> QueuedError?
    /// Whether a wait for that side of a descriptor would end at once, be it by an error.
    func isReady(_ descriptor: FileDescriptor, for side: Readiness) -> Bool
    /// Whether errors, such as those in a socket's queue, are all that there is to tell somebody who waits for room.
    func hasOnlyErrors(_ descriptor: FileDescriptor) -> Bool
    /// Sends FIN after what the kernel still holds.
    func shutdownWriting(_ socket: FileDescriptor) throws(Errno)
    /// Makes a descriptor that came from elsewhere as this backend needs it: blocking for a ring, which waits in the
    /// kernel, and non-blocking for a selector.
    func adopt(_ descriptor: FileDescriptor) throws(Errno)
    /// A pipe to move files through, as large as the system allows.
    func makeTransferPipe() throws(Errno) -> TransferPipe
    /// Replaces how long a blocking send on a socket may go without progress, in microseconds; zero is for ever. Returns what
    /// it was.
    func exchangeSendTimeout(of socket: FileDescriptor, microseconds: Int64) throws(Errno) -> Int64
    /// Throws when the descriptor has no readiness that could be waited for: EPERM for what epoll refuses, such as a
    /// regular file.
    func checkCanBeWatched(_ descriptor: FileDescriptor) throws(Errno)
    /// Sees to it that closing a socket does not wait until what was sent is acknowledged, as SO_LINGER has it do on a blocking
    /// and on a non-blocking one. The kernel sends the rest all the same, as for any other socket; one that is to be reset at
    /// its close still is. Whatever else it is called with stays as it is.
    func stopLingering(_ descriptor: FileDescriptor)
    /// Ends a TCP connection by RST, at once and whoever has a copy of the socket; others stay as they are. To be called before
    /// the close.
    func resetConnection(_ socket: FileDescriptor)
    /// Closes a descriptor on which no operation is in flight, without lingering.
    func close(_ descriptor: FileDescriptor) throws(Errno)
    /// Closes, on a thread of its own, what may take its time about it, such as a terminal with output to come.
    func closeElsewhere(_ descriptor: FileDescriptor)

    /// Looks a host and a service up. May block for as long as name servers take, unless the query is
    /// numeric.
    func addressInfo(_ query: AddressQuery) throws(ResolutionError) -> [AddressInfo]
    /// The names, or numbers, of an address. May block likewise, unless the flags ask for numbers.
    func nameInfo(
        of address: SocketAddress,
        flags: NameInfoFlags
    ) throws(ResolutionError) -> (host: String, service: String)
}

extension SystemCalls {
    func makeSocket(_ family: AddressFamily, _ type: SocketType) throws(Errno) -> FileDescriptor {
        try makeSocket(family, type, protocolNumber: 0)
    }

    /// For a kernel whose options are integers.
    package func setOption(
        _ option: SocketOption,
        to bytes: UnsafeRawBufferPointer,
        on socket: FileDescriptor
    )
        throws(Errno)
    {
        guard bytes.count == MemoryLayout<Int32>.size else { throw .invalidArgument }
        try setOption(option, to: bytes.loadUnaligned(as: Int32.self), on: socket)
    }

    /// The same.
    package func readOption(
        _ option: SocketOption,
        of socket: FileDescriptor,
        into room: UnsafeMutableRawBufferPointer
    ) throws(Errno) -> Int {
        guard room.count >= MemoryLayout<Int32>.size else { throw .invalidArgument }
        room.storeBytes(of: try self.option(option, of: socket), as: Int32.self)
        return MemoryLayout<Int32>.size
    }
}

/// What is looked up: see ``NetworkEventLoop/getaddrinfo(host:service:family:type:protocolNumber:flags:)``.
package struct AddressQuery: Sendable {
    package var host: String?
    package var service: String?
    package var family: AddressFamily?
    package var type: SocketType?
    package var protocolNumber: Int32 = 0
    package var flags: AddressInfoFlags = []

    /// Whether it says itself what it asks for, so that nobody has to be asked.
    var isNumeric: Bool {
        if let host, SocketAddress(numericHost: host, port: 0) == nil { return false }
        guard let service else { return true }
        return UInt16(service) != nil
    }
}
