import Glibc

/// An object for each thread, released when the thread ends.
final class ThreadLocalObject: Sendable {
    private let key: pthread_key_t

    init() {
        var key = pthread_key_t()
        let failure = pthread_key_create(&key) { pointer in
            guard let pointer else { return }
            // The setter retained it, and this thread's last use of it is over.
            Unmanaged<AnyObject>.fromOpaque(pointer).release()
        }
        precondition(
            failure == 0,
            "the process has no thread-local key left (pthread_key_create: \(failure))"
        )
        self.key = key
    }

    deinit {
        // What other threads stored is theirs to release, and without the key nobody can: it stays.
        value = nil
        pthread_key_delete(key)
    }

    /// The calling thread's object.
    var value: AnyObject? {
        get {
            guard let pointer = pthread_getspecific(key) else { return nil }
            return Unmanaged<AnyObject>.fromOpaque(pointer).takeUnretainedValue()
        }
        set {
            let previous = pthread_getspecific(key)
            let pointer = newValue.map { Unmanaged.passRetained($0).toOpaque() }
            let failure = pthread_setspecific(key, pointer)
            precondition(failure == 0, "no memory for a thread-local value (pthread_setspecific: \(failure))")
            if let previous { Unmanaged<AnyObject>.fromOpaque(previous).release() }
        }
    }
}
