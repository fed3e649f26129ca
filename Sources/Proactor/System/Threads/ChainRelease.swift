import CPosix

/// Releases chains whose links hold each other, such as futures by their callbacks, without a deinitialiser within each
/// deinitialiser: a long one would overflow the stack.
///
/// A link's deinitialiser asks ``begin()``. The first on a thread lets go of what it holds, and ``end()`` then of all that
/// deinitialisers within have kept back.
///
/// Thread rule: any thread; the links that a thread keeps back are its own.
enum ChainRelease {
    private struct Kept {
        let object: Unmanaged<AnyObject>
        let next: UnsafeMutableRawPointer?
    }

    /// Whether the caller may let go of what it holds, and then calls ``end()``. Otherwise it keeps it back.
    @inline(__always)
    static func begin() -> Bool {
        guard !cposix_is_releasing() else { return false }
        cposix_set_releasing(true)
        return true
    }

    /// Keeps an object back until the first deinitialiser on this thread ends.
    @inline(never)
    static func keep(_ object: AnyObject) {
        let kept = UnsafeMutablePointer<Kept>.allocate(capacity: 1)
        kept.initialize(to: Kept(object: .passRetained(object), next: cposix_get_kept_release()))
        cposix_set_kept_release(kept)
    }

    @inline(__always)
    static func end() {
        if cposix_get_kept_release() != nil { releaseKept() }
        cposix_set_releasing(false)
    }

    @inline(never)
    private static func releaseKept() {
        while let pointer = cposix_get_kept_release() {
            // `keep` has made it, and nobody else takes it out.
            let kept = pointer.assumingMemoryBound(to: Kept.self)
            let (object, next) = (kept.pointee.object, kept.pointee.next)
            kept.deallocate()
            cposix_set_kept_release(next)
            object.release()
        }
    }
}

/// A value as an object, to be kept back.
final class Held<Value> {
    private let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
