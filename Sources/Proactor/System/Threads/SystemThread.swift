import CPosix
import SystemPackage

/// Threads of the system, with a name.
package enum SystemThread {
    /// What the kernel has room for, in bytes, without the closing zero (pthread_setname_np(3)).
    private static let nameLengthMax = 15

    /// A name that ends in a number, with as much of `prefix` as the kernel has room for: it ends at a zero byte.
    static func name(_ prefix: String, number: Int) -> String {
        let suffix = "-\(number)"
        var name = String(prefix.prefix { $0 != "\0" })
        while name.utf8.count + suffix.utf8.count > nameLengthMax, !name.isEmpty { name.removeLast() }
        return name + suffix
    }

    /// Runs `body` on a new thread, which ends with it. Nobody can join it. It runs on any processor, also when the calling
    /// thread is pinned to one. Throws EAGAIN when there are too many threads.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(Errno) {
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
        let result = cposix_start_thread(
            { argument in
                guard let argument else { return nil }
                // Retained for this thread, and taken once.
                Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            start.toOpaque()
        )
        guard result == 0 else {
            start.release()
            throw Errno(rawValue: -result)
        }
    }
}

/// What a new thread is handed.
private final class ThreadStart {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        // A thread without its name works as well.
        _ = cposix_set_thread_name(name)
        body()
    }
}
