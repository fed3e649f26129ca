#if NIO
    // What a file needs that imports both libraries: the names that both have, taken from one of them.
    import NIOCore
    import Proactor
    import ProactorNIO

    import enum NIOCore.EventLoopError
    import enum NIOCore.SocketAddress
    import protocol NIOCore.EventLoop
    import protocol NIOCore.EventLoopGroup

    /// Uses each of those names without its module; that it compiles is the test.
    func useNamesOfBothModules(_ group: any EventLoopGroup, at address: SocketAddress) -> (any EventLoop)? {
        guard address.port != nil, "\(EventLoopError.shutdown)" != "" else { return nil }
        // The other library's are still there, by their full names.
        let other = Proactor.SocketAddress.ipv4(.loopback, port: 1)
        let closed = Proactor.EventLoopError.closed
        return other.port == 1 && closed == .closed ? group.next() : nil
    }
#endif
