/// Stands for a thread, and goes when the thread ends.
final class ThreadLife: Sendable {
    private static let lives = ThreadLocalObject()

    /// The calling thread's. Nobody else keeps it: whoever wants to know about the thread refers to it weakly.
    static var current: ThreadLife {
        if let life = lives.value as? ThreadLife { return life }
        let life = ThreadLife()
        lives.value = life
        return life
    }
}
