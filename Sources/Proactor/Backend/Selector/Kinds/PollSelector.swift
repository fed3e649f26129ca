import CPosix
import Glibc
import SystemPackage

/// ``Selector`` by ppoll(2).
final class PollSelector: Selector {
    @exclusivity(unchecked) private var entries = RawList<pollfd>(capacity: 64)
    /// Indexed by descriptor: its place in `entries`, or -1.
    @exclusivity(unchecked) private var places = RawList<Int32>(capacity: 64)
    /// Where the next search for ready entries begins, so that all have their turn when there are too many.
    @exclusivity(unchecked) private var searchStart = 0

    func watch(_ descriptor: Int32, for interest: Readiness) throws(Errno) {
        places.extend(to: Int(descriptor) + 1, filling: -1)
        let place = Int(places[Int(descriptor)])
        if interest.isEmpty {
            if place >= 0 { remove(descriptor, at: place) }
            return
        }
        let entry = pollfd(fd: descriptor, events: Self.events(interest), revents: 0)
        if place >= 0 {
            entries[place] = entry
        } else {
            places[Int(descriptor)] = Int32(entries.count)
            entries.append(entry)
        }
    }

    func wait(timeoutNanoseconds: Int64, into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int {
        let readyCount = Int(cposix_ppoll(entries.base, UInt64(entries.count), timeoutNanoseconds))
        // EINVAL is more entries than RLIMIT_NOFILE allows now; ENOMEM passes. Neither may stop a loop for good.
        guard readyCount > 0 else { return 0 }
        var count = 0
        var place = searchStart < entries.count ? searchStart : 0
        for _ in 0..<entries.count {
            guard count < readyCount, count < ready.count else { break }
            let entry = entries[place]
            if entry.revents != 0 {
                ready[count] = ReadyDescriptor(descriptor: entry.fd, readiness: Self.readiness(entry.revents))
                count += 1
            }
            place = place + 1 == entries.count ? 0 : place + 1
        }
        searchStart = place
        return count
    }

    func close() {}

    private func remove(_ descriptor: Int32, at place: Int) {
        entries.replaceByLast(at: place)
        if place < entries.count { places[Int(entries[place].fd)] = Int32(place) }
        places[Int(descriptor)] = -1
    }

    private static func events(_ interest: Readiness) -> Int16 {
        Int16((interest.contains(.read) ? POLLIN : 0) | (interest.contains(.write) ? POLLOUT : 0))
    }

    private static func readiness(_ events: Int16) -> Readiness {
        let events = Int32(events)
        // POLLNVAL: the descriptor is closed. The call that follows says EBADF, and its operation ends.
        if events & (POLLERR | POLLHUP | POLLNVAL) != 0 { return [.read, .write, .hangUp] }
        var readiness: Readiness = []
        if events & POLLIN != 0 { readiness.insert(.read) }
        if events & POLLOUT != 0 { readiness.insert(.write) }
        return readiness
    }
}
