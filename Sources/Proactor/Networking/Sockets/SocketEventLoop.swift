import SystemPackage

/// What an event loop does with sockets and other descriptors of the caller's own, without transports: the part of
/// ``AbstractEventLoop`` that is closest to the system. Every loop has it.
///
/// Thread rule: the loop's thread only.
///
/// ```swift
/// let (socket, _) = try await loop.sockAccept(listener)
/// let request = try await loop.sockRecv(socket, upTo: 4096)
/// try await loop.sockSendAll(socket, request)
/// try socket.close()
/// ```
public protocol SocketEventLoop: AnyObject {
    // MARK: Sockets

    /// Receives what has come, `maxCount` bytes at most, and waits when nothing has. No bytes are the end of the stream. On a
    /// socket that keeps the bounds of messages it is one message, which may be empty; what is beyond `maxCount` bytes of it
    /// is lost, as with `recv(2)`. A socket that joins datagrams (`UDP_GRO`) is refused, as no call could tell one from the next.
    ///
    /// The `sock` calls work on sockets of the caller's own, blocking or not, and never block the loop. Those that read or
    /// accept on one socket are served one after the other, and so are those that send or connect. Close a socket when no
    /// call is under way on it; transports are faster.
    ///
    /// Cancelling the task ends the wait. Bytes that came at the same moment are not lost: they are returned all the same.
    /// What has not come stays for the next call.
    ///
    /// - Throws: ``SocketError``, `CancellationError`, ``EventLoopError/closed``; ``EventLoopError/invalidArgument(_:)`` for
    ///   a `maxCount` below 1; ``EventLoopError/invalidState(_:)`` for a socket that belongs to a transport, that has a reader
    ///   or a writer where the call would wait, or that joins datagrams. All `sock` calls throw these.
    nonisolated(nonsending) func sockRecv(
        _ socket: FileDescriptor,
        upTo maxCount: Int
    ) async throws -> [UInt8]

    /// As ``sockRecv(_:upTo:)``, and lends the bytes to `body` where they were received: nothing is allocated or copied, and a task
    /// that waits has no buffer. At the end of the stream it lends no byte. `body` copies what it wants to keep.
    ///
    /// ```swift
    /// let lineCount = try await loop.sockRecv(socket, upTo: 65_536) { bytes in
    ///     (0..<bytes.byteCount).count { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == UInt8(ascii: "\n") }
    /// }
    /// ```
    ///
    /// - Throws: also what `body` throws, and then the bytes are received.
    nonisolated(nonsending) func sockRecv<Result>(
        _ socket: FileDescriptor,
        upTo maxCount: Int,
        _ body: (RawSpan) throws -> Result
    ) async throws -> Result

    /// As ``sockRecv(_:upTo:)``, straight into the room of `buffer`, behind what it holds. Returns how many bytes came;
    /// zero is the end of the stream.
    nonisolated(nonsending) func sockRecvInto(
        _ socket: FileDescriptor,
        _ buffer: inout OwnedBuffer
    ) async throws -> Int

    /// As ``sockRecv(_:upTo:)``, straight into memory of any kind. Returns how many bytes came; zero is the end of the
    /// stream.
    ///
    /// ```swift
    /// var bytes = [UInt8](repeating: 0, count: 4096)
    /// var span = bytes.mutableSpan
    /// var memory = span.mutableBytes
    /// let count = try await loop.sockRecvInto(socket, &memory)
    /// ```
    nonisolated(nonsending) func sockRecvInto(
        _ socket: FileDescriptor,
        _ bytes: inout MutableRawSpan
    ) async throws -> Int

    /// Receives one datagram and its sender's address, which is `nil` where there is none, as on a stream. What is beyond
    /// `maxCount` bytes of it is lost, as with `recvfrom(2)`. No bytes are an empty datagram. Cancelling is as for
    /// ``sockRecv(_:upTo:)``.
    nonisolated(nonsending) func sockRecvFrom(
        _ socket: FileDescriptor,
        upTo maxCount: Int
    ) async throws -> (bytes: [UInt8], address: SocketAddress?)

    /// As ``sockRecvFrom(_:upTo:)``, straight into the room of `buffer`, behind what it holds.
    nonisolated(nonsending) func sockRecvFromInto(
        _ socket: FileDescriptor,
        _ buffer: inout OwnedBuffer
    ) async throws -> (count: Int, address: SocketAddress?)

    /// As ``sockRecvFrom(_:upTo:)``, straight into memory of any kind.
    nonisolated(nonsending) func sockRecvFromInto(
        _ socket: FileDescriptor,
        _ bytes: inout MutableRawSpan
    ) async throws -> (count: Int, address: SocketAddress?)

    /// Sends all of `data`, in as many steps as the kernel wants, without a copy.
    ///
    /// After an error or a cancellation nobody can say how much the peer will have seen: the stream is of no more use.
    /// Cancelled after the last byte was taken, it returns as usual.
    nonisolated(nonsending) func sockSendAll(_ socket: FileDescriptor, _ data: RawSpan) async throws

    /// As ``sockSendAll(_:_:)-(FileDescriptor,RawSpan)``; the buffer stays the caller's.
    nonisolated(nonsending) func sockSendAll(
        _ socket: FileDescriptor,
        _ buffer: borrowing OwnedBuffer
    ) async throws

    /// Sends one datagram to `address`, and returns how many bytes the kernel took of it. A Unix socket that has no room is waited
    /// for as long as it takes a datagram of this socket's every second, and others can be sent to meanwhile; then this throws
    /// ``SocketError`` with `ENOBUFS`.
    nonisolated(nonsending) func sockSendTo(
        _ socket: FileDescriptor,
        _ data: RawSpan,
        to address: SocketAddress
    ) async throws -> Int

    /// Connects a socket. A selector makes it non-blocking for that.
    ///
    /// Cancelling the task ends the wait; the socket is good for closing only then. Connected at the same moment, it
    /// returns as usual.
    nonisolated(nonsending) func sockConnect(
        _ socket: FileDescriptor,
        to address: SocketAddress
    ) async throws

    /// As ``sockConnect(_:to:)``, with a host that may be a name: it is looked up in the socket's family, and the first
    /// address is taken. `createConnection` tries them all.
    ///
    /// - Throws: ``ResolutionError`` too.
    nonisolated(nonsending) func sockConnect(
        _ socket: FileDescriptor,
        host: String,
        port: UInt16
    ) async throws

    /// Accepts one connection of a listening socket, and returns its socket and its peer's address. The caller owns the
    /// socket: close it, or hand it to `connectAcceptedSocket`. It is closed on exec, and non-blocking on a selector, which
    /// makes the listener so too; for reads of your own on a ring, set it with `fcntl`.
    ///
    /// Cancelling the task ends the wait and leaves the listener as it was. A connection that came at the same moment is
    /// not lost: it is returned all the same, so look at the result of a task that you cancelled.
    nonisolated(nonsending) func sockAccept(
        _ listener: FileDescriptor
    ) async throws -> (socket: FileDescriptor, address: SocketAddress)

    // MARK: Descriptors

    /// Calls `callback` in each turn in which `descriptor` has something to read, has come to its end or has failed, until
    /// ``removeReader(_:)``. A reader that was set before is replaced.
    ///
    /// It is level-triggered: a callback that leaves something behind is called again. An error that it throws goes to the
    /// exception handler, and it stays. It sees no task-local values. Sockets, pipes, terminals, eventfds and whatever else
    /// epoll takes can be watched, on every loop; a descriptor can have a reader and a writer.
    ///
    /// Remove the reader before you close the descriptor. Closed all the same, it is not called any more, and the number
    /// can be watched anew once it stands for something else.
    ///
    /// - Throws: ``DescriptorError``, with `notPermitted` for a regular file; ``EventLoopError/invalidState(_:)`` for a
    ///   descriptor that belongs to a transport or is used by a `sock` call; ``EventLoopError/closed``.
    func addReader(_ descriptor: FileDescriptor, _ callback: @escaping () throws -> Void) throws

    /// Ends what ``addReader(_:_:)`` began; the callback is not called any more, not even in this turn. Returns whether
    /// there was a reader.
    ///
    /// - Throws: ``EventLoopError/invalidState(_:)`` for a descriptor that belongs to a transport.
    @discardableResult
    func removeReader(_ descriptor: FileDescriptor) throws -> Bool

    /// As ``addReader(_:_:)``, for when `descriptor` can be written to or has failed.
    func addWriter(_ descriptor: FileDescriptor, _ callback: @escaping () throws -> Void) throws

    /// Ends what ``addWriter(_:_:)`` began. Returns whether there was a writer.
    ///
    /// - Throws: as ``removeReader(_:)``.
    @discardableResult
    func removeWriter(_ descriptor: FileDescriptor) throws -> Bool
}
