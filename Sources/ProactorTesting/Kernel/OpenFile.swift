import Glibc
import Proactor

/// What hears of a descriptor's changes: a backend that waits for it.
protocol ReadinessListener: AnyObject {
    /// The descriptor may be ready for something for which it was not.
    func readinessChanged(_ descriptor: Int32)
}

/// What a descriptor stands for. Several may stand for one.
class OpenFile {
    /// Who waits for it, and under which number. A backend that ends, or closes the number, takes itself out.
    private struct Watcher {
        unowned(unsafe) let listener: any ReadinessListener
        let descriptor: Int32
    }

    let host: HostKernel
    @exclusivity(unchecked) private var references = 1
    @exclusivity(unchecked) private var watchers: [Watcher] = []

    init(host: HostKernel) {
        self.host = host
    }

    var world: SimulatedWorld { host.world }

    /// What a table of the kernel's says it is, in a trace.
    var kindName: StaticString { "file" }
    var kind: DescriptorKind { .other }
    /// What a descriptor for it may be wanting, as errno.
    var shortages: [Int32] { [EMFILE, ENFILE, ENOMEM] }
    /// What it is ready for.
    var readiness: Readiness { [] }
    /// What poll(2) says that it is ready for.
    var pollEvents: Int32 {
        let found = readiness
        return (found.meets(.read) ? POLLIN : 0) | (found.meets(.write) ? POLLOUT : 0)
            | (found.meets(.hangUp) ? POLLHUP : 0)
    }
    /// Of those: a socket's peer has ended its sending.
    static let pollPeerEnded: Int32 = 0x2000
    /// Whether errors are all that there is to tell somebody who waits for room.
    var hasOnlyErrors: Bool { false }
    /// Whether it can be waited for.
    var canBeWatched: Bool { true }

    /// Returns how many bytes came, zero at the end, or minus errno.
    func read(into room: UnsafeMutableRawBufferPointer) -> Int { -Int(EINVAL) }
    /// Returns how many bytes were taken, or minus errno.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int { -Int(EINVAL) }
    /// Nobody has it any more.
    ///
    /// - Parameter isCrash: its process, and its machine with it, is gone without a word.
    func closed(isCrash: Bool) {}

    final func retain() { references += 1 }

    final func release(isCrash: Bool) {
        references -= 1
        precondition(references >= 0, "a simulated file was closed twice")
        if references == 0 { closed(isCrash: isCrash) }
    }

    final func addWatcher(_ listener: any ReadinessListener, _ descriptor: Int32) {
        guard !watchers.contains(where: { $0.listener === listener && $0.descriptor == descriptor }) else {
            return
        }
        watchers.append(Watcher(listener: listener, descriptor: descriptor))
    }

    final func removeWatcher(_ listener: any ReadinessListener, _ descriptor: Int32) {
        watchers.removeAll { $0.listener === listener && $0.descriptor == descriptor }
    }

    /// Says so to those who wait.
    final func changed() {
        for watcher in watchers { watcher.listener.readinessChanged(watcher.descriptor) }
    }
}
