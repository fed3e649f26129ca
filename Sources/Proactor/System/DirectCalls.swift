import SystemPackage

/// The part of ``SystemCalls`` that moves bytes at once and never waits, for those who were told that a descriptor is ready: the
/// older dispatchers. Sockets are non-blocking, and other files were adopted.
package protocol DirectCalls: AnyObject, Sendable {
    /// Returns how many bytes came, zero at the end of the stream, or minus errno: -EAGAIN when there is nothing yet.
    func read(_ descriptor: FileDescriptor, into room: UnsafeMutableRawBufferPointer, isSocket: Bool) -> Int
    /// Returns how many bytes were taken, or minus errno: -EAGAIN when there is no room. It raises no signal.
    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor, isSocket: Bool) -> Int
    /// The next connection, non-blocking, and its peer when that is known; `nil` when there is none.
    func accept(_ listener: FileDescriptor) throws(Errno) -> (socket: FileDescriptor, peer: SocketAddress?)?
    /// Returns whether it is connected by now; otherwise it is when it becomes writable.
    func connect(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) -> Bool
    /// Another descriptor of the same open file, close-on-exec.
    func copy(_ descriptor: FileDescriptor) throws(Errno) -> FileDescriptor
    /// Takes the error that a socket keeps, such as that of a connect.
    func takeError(of socket: FileDescriptor) throws(Errno)
}
