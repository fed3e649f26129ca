import Glibc
import SystemPackage

/// A path as the kernel wants it, at a fixed place, while an operation is in flight.
final class PathMemory {
    let pointer: UnsafePointer<CChar>
    private let memory: UnsafeMutablePointer<CChar>

    init(_ path: FilePath) {
        memory = path.withPlatformString { source in
            let length = strlen(source) + 1
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: length)
            copy.initialize(from: source, count: length)
            return copy
        }
        pointer = UnsafePointer(memory)
    }

    deinit {
        // The operation keeps this object until its final completion, so the kernel is done with the memory.
        memory.deallocate()
    }
}
