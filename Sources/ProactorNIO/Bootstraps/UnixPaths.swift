#if NIO
    import NIOCore
    import Proactor

    import enum NIOCore.SocketAddress

    extension NIOProactorEventLoop {
        /// The address of a Unix socket's path.
        ///
        /// - Parameter isRemoving: whether a socket's file that stands there is removed. It fails by `EEXIST` when another file does.
        func unixAddress(_ path: String, removing isRemoving: Bool) -> EventLoopFuture<SocketAddress> {
            submitHere {
                let address = try SocketAddress(unixDomainSocketPath: path)
                guard isRemoving else { return address }
                do { try self.loop.removeSocketFile(at: Array(path.utf8)) } catch { throw nioError(error) }
                return address
            }
        }
    }
#endif
