#if NIO
    import Glibc
    import NIOCore

    extension NIOBSDSocket.Option {
        /// Lets several sockets listen at one port, one for each loop: SwiftNIO has no name for it.
        package static var reusePort: NIOBSDSocket.Option { NIOBSDSocket.Option(rawValue: SO_REUSEPORT) }
    }
#endif
