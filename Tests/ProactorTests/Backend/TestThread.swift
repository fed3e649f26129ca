import CTestLimits
import Glibc
import Testing

/// A thread that runs one closure.
final class TestThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) {
            self.run = run
        }
    }

    private var thread = pthread_t()

    init(_ run: @escaping @Sendable () -> Void) {
        let status = pthread_create(
            &thread,
            nil,
            { context in
                Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            },
            Unmanaged.passRetained(Body(run)).toOpaque()
        )
        precondition(status == 0, "pthread_create: errno \(status)")
    }

    /// Waits for its end; an issue when it does not end.
    func join(sourceLocation: SourceLocation = #_sourceLocation) {
        let hasEnded = ctestlimits_join(thread, UInt32(TestLimit.wait.components.seconds))
        #expect(hasEnded, "a thread did not end", sourceLocation: sourceLocation)
    }
}
