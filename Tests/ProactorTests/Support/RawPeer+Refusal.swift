import Glibc
import SystemPackage

extension RawPeer {
    /// Whether a port comes to refuse connections after its server is closed.
    ///
    /// A child that another test starts has a copy of the listener until it is another program, which on a busy machine
    /// takes a while: until then the kernel takes connections for it.
    static func refuses(port: UInt16) throws -> Bool {
        let deadline = ContinuousClock.now + TestLimit.wait
        repeat {
            do { _ = try RawPeer(connectedTo: port) } catch Errno.connectionRefused { return true }
            usleep(1000)
        } while ContinuousClock.now < deadline
        return false
    }
}
