import SystemPackage
import Testing

@testable import Proactor

/// What the errors of system calls say: what was tried, on what, the system's reason, and what to do.
@Suite struct FailedCallTests {
    private static let address = SocketAddress.ipv4(.loopback, port: 80)

    // Behaviour 15
    @Test(
        arguments: [
            (
                SocketError(.bind, .addressInUse, address: address),
                "binding (127.0.0.1:80) failed: Address already in use; another socket has the address: "
                    + "choose another port, or 0 for any"
            ),
            (
                SocketError(.connect, .connectionRefused, address: address),
                "connecting (127.0.0.1:80) failed: Connection refused"
            ),
            (
                SocketError(
                    .connect,
                    .invalidArgument,
                    address: .ipv6(IPv6Address(high: 0xfe80 << 48, low: 1), port: 80)
                ),
                "connecting ([fe80::1]:80) failed: Invalid argument; a link-local address needs its interface: "
                    + "add % and the interface's name to it"
            ),
            (
                SocketError(.bind, .invalidArgument, address: .ipv6(.any, port: 80)),
                "binding ([::]:80) failed: Invalid argument"
            ),
            (
                SocketError(.bind, .addressNotAvailable, address: address),
                "binding (127.0.0.1:80) failed: Cannot assign requested address; no interface of this machine has the "
                    + "address: choose one that \"ip address\" lists, or none for every one"
            ),
            (
                SocketError(.connect, .fileNameTooLong, address: .unix(path: "/it")),
                "connecting (/it) failed: File name too long; the path of a Unix socket has 107 bytes at most"
            ),
            (
                SocketError(.makeSocket, .tooManyOpenFiles),
                "making a socket failed: Too many open files; raise the limit on open files (ulimit -n)"
            ),
            (
                FileError(.read, .ioError, path: "/tmp/it", bytesDone: 5),
                "reading /tmp/it failed after 5 bytes: Input/output error"
            ),
            (
                FileError(.open, .tooManyOpenFiles, path: "/tmp/it"),
                "opening /tmp/it failed: Too many open files; raise the limit on open files (ulimit -n)"
            ),
            (
                FileError(.write, .badFileDescriptor, path: nil),
                "writing to a file failed: Bad file descriptor; the file was closed, or opened in another mode"
            ),
            (FileError(.open, .badFileDescriptor, path: nil), "opening a file failed: Bad file descriptor"),
            (
                FileError(.open, .socketShutdown, path: "/tmp/it"),
                "opening /tmp/it failed: Cannot send after transport endpoint shutdown; "
                    + "a selector's loop does this on its default executor, which was shut down"
            ),
            (
                ProcessError(.start, .permissionDenied, path: "/bin/it"),
                "starting /bin/it failed: Permission denied; it must be a file that this user may execute"
            ),
            (
                ProcessError(.signal, .notPermitted),
                "signalling a child process failed: Operation not permitted"
            ),
            (
                SelectorUnavailable(.makeWaker, .tooManyOpenFiles, selector: .select),
                "making the eventfd of a loop over select failed: Too many open files; "
                    + "raise the limit on open files (ulimit -n)"
            ),
            (
                SelectorUnavailable(.makeSelector, .tooManyOpenFilesInSystem, selector: .epoll),
                "making the selector of a loop over epoll failed: Too many open files in system; "
                    + "raise the system's limit on open files (the sysctl fs.file-max)"
            ),
            (
                SelectorUnavailable(.watchWaker, .noSpace, selector: .epoll),
                "watching the eventfd of a loop over epoll failed: No space left on device; the user's descriptors in "
                    + "epoll are at their limit: raise the sysctl fs.epoll.max_user_watches"
            ),
            (
                SelectorUnavailable(.makeSelector, .noMemory, selector: .epoll),
                "making the selector of a loop over epoll failed: Cannot allocate memory; look at ulimit -v and the "
                    + "control group's limit"
            ),
            (
                DescriptorError(.standardInput, .notPermitted),
                "watching descriptor 0 failed: Operation not permitted; it is a file or a device that is always ready: "
                    + "read or write it without waiting"
            ),
        ] as [(any FailedCall, String)]
    )
    func theTextSaysWhatToDo(error: any FailedCall, text: String) {
        #expect("\(error)" == text)
        #expect(error.message == text)
    }
}
