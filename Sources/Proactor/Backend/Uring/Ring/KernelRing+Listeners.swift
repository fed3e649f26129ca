import CPosix
import SystemPackage

/// What a ring polls in place of a listener: an epoll that watches it.
extension KernelRing {
    func makeListenerWatch(_ listener: FileDescriptor) -> FileDescriptor? {
        let epoll = cposix_epoll_create()
        guard epoll >= 0 else { return nil }
        let event = cposix_epoll_event(
            events: UInt32(CPOSIX_EPOLL_READABLE),
            descriptor: listener.rawValue,
            stamp: 0
        )
        guard cposix_epoll_control(epoll, Int32(CPOSIX_EPOLL_ADD), event) >= 0 else {
            _ = cposix_close(epoll)
            return nil
        }
        return FileDescriptor(rawValue: epoll)
    }

    func closeListenerWatch(_ watch: FileDescriptor) {
        _ = cposix_close(watch.rawValue)
    }
}
