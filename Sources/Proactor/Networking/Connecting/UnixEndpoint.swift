import SystemPackage

/// What the Unix calls are given: exactly one of three.
enum UnixEndpoint {
    case address(SocketAddress)
    case socket(FileDescriptor)

    init(
        _ path: String?,
        _ abstractName: String?,
        _ socket: FileDescriptor?,
        in call: String
    ) throws(EventLoopError) {
        switch (path, abstractName, socket) {
        case (let path?, nil, nil):
            // Bound to an empty path, a socket would get a name of the kernel's choosing that nobody knows.
            guard !path.isEmpty else { throw .invalidArgument("\(call) needs a path that is not empty") }
            self = .address(.unix(path: path))
        case (nil, let name?, nil): self = .address(.unixAbstract(name: Array(name.utf8)))
        case (nil, nil, let socket?): self = .socket(socket)
        case (nil, nil, nil): throw .invalidArgument("\(call) needs a path, an abstract name or a socket")
        default:
            throw .invalidArgument("\(call) takes one of a path, an abstract name and a socket, not several")
        }
    }
}
