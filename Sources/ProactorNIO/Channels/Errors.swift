#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    /// The errors of this library as SwiftNIO's programs expect them.
    extension IOError {
        init(_ error: SocketError) {
            self.init(errnoCode: error.errno.rawValue, reason: error.description)
        }

        init(_ errno: Errno, _ reason: String) {
            self.init(errnoCode: errno.rawValue, reason: reason)
        }

        var errno: Errno { Errno(rawValue: errnoCode) }
    }

    /// Why a connection was lost, or a socket could not be had: an `IOError` where the system says so.
    func nioError(_ error: any Error) -> any Error {
        switch error {
        case let error as SocketError: IOError(error)
        case let error as Errno: IOError(error, "socket")
        default: error
        }
    }
#endif
