import CPosix
import Glibc
import SystemPackage

/// ``Selector`` by epoll(7).
///
/// The kernel knows a registration by number *and* open file: it outlives a descriptor that was closed unannounced while
/// its file is open elsewhere (a duplicate, a child process), cannot be removed any more, and reports the dead number for
/// ever. Each registration therefore carries a stamp; an event with a stale one has the epoll instance made anew.
final class EpollSelector: Selector {
    private struct Watch: BitwiseCopyable {
        var interest: Readiness = []
        /// Counts the registrations that the number has had.
        var stamp: UInt32 = 0
    }

    @exclusivity(unchecked) private var epoll: Int32
    /// Indexed by descriptor.
    @exclusivity(unchecked) private var watches = RawList<Watch>(capacity: 64)
    private let events = UnsafeMutablePointer<cposix_epoll_event>.allocate(capacity: eventsMax)
    private static let eventsMax = Int(CPOSIX_EPOLL_EVENTS_MAX)

    init() throws(Errno) {
        epoll = cposix_epoll_create()
        guard epoll >= 0 else { throw Errno(rawValue: -epoll) }
    }

    deinit {
        events.deallocate()
    }

    func watch(_ descriptor: Int32, for interest: Readiness) throws(Errno) {
        watches.extend(to: Int(descriptor) + 1, filling: Watch())
        let former = watches[Int(descriptor)]
        guard former.interest != interest else { return }
        guard !interest.isEmpty else {
            watches[Int(descriptor)].interest = []
            // EBADF and ENOENT say that closing the descriptor has done it already.
            _ = control(CPOSIX_EPOLL_DELETE, descriptor, former, on: epoll)
            return
        }
        let isNew = former.interest.isEmpty
        let wanted = Watch(interest: interest, stamp: isNew ? former.stamp &+ 1 : former.stamp)
        var result = control(isNew ? CPOSIX_EPOLL_ADD : CPOSIX_EPOLL_MODIFY, descriptor, wanted, on: epoll)
        // The descriptor was closed unannounced and its number is used again: the kernel knows better than the book.
        if result == -EEXIST { result = control(CPOSIX_EPOLL_MODIFY, descriptor, wanted, on: epoll) }
        if result == -ENOENT { result = control(CPOSIX_EPOLL_ADD, descriptor, wanted, on: epoll) }
        try Errno.check(result)
        watches[Int(descriptor)] = wanted
    }

    func wait(timeoutNanoseconds: Int64, into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int {
        let capacity = min(ready.count, Self.eventsMax)
        let eventCount = Int(cposix_epoll_wait(epoll, events, Int32(capacity), timeoutNanoseconds))
        // Only a signal can fail a wait: the other errors are a wrong descriptor or address.
        precondition(eventCount >= 0 || eventCount == -Int(EINTR), "epoll_wait: errno \(-eventCount)")
        var count = 0
        var hasStale = false
        for index in 0..<max(eventCount, 0) {
            let event = events[index]
            let watch = watches[Int(event.descriptor)]
            guard !watch.interest.isEmpty, watch.stamp == event.stamp else {
                hasStale = true
                continue
            }
            ready[count] = ReadyDescriptor(
                descriptor: event.descriptor,
                readiness: Self.readiness(event.events)
            )
            count += 1
        }
        if hasStale { rebuild() }
        return count
    }

    func close() {
        _ = Glibc.close(epoll)
        epoll = -1
    }

    /// Moves all registrations to a new instance. When that cannot be had, the old one serves until the next stale event.
    private func rebuild() {
        let fresh = cposix_epoll_create()
        guard fresh >= 0 else { return }
        for descriptor in 0..<watches.count where !watches[descriptor].interest.isEmpty {
            let result = control(CPOSIX_EPOLL_ADD, Int32(descriptor), watches[descriptor], on: fresh)
            guard result >= 0 || result == -EBADF else {
                _ = Glibc.close(fresh)
                return
            }
        }
        _ = Glibc.close(epoll)
        epoll = fresh
    }

    private func control(_ action: Int, _ descriptor: Int32, _ watch: Watch, on epoll: Int32) -> Int32 {
        var events: UInt32 = 0
        if watch.interest.contains(.read) { events |= UInt32(CPOSIX_EPOLL_READABLE) }
        if watch.interest.contains(.write) { events |= UInt32(CPOSIX_EPOLL_WRITABLE) }
        let event = cposix_epoll_event(events: events, descriptor: descriptor, stamp: watch.stamp)
        return cposix_epoll_control(epoll, Int32(action), event)
    }

    private static func readiness(_ events: UInt32) -> Readiness {
        if events & UInt32(CPOSIX_EPOLL_FAILED | CPOSIX_EPOLL_HUNG_UP) != 0 {
            return [.read, .write, .hangUp]
        }
        var readiness: Readiness = []
        if events & UInt32(CPOSIX_EPOLL_READABLE) != 0 { readiness.insert(.read) }
        if events & UInt32(CPOSIX_EPOLL_WRITABLE) != 0 { readiness.insert(.write) }
        return readiness
    }
}
