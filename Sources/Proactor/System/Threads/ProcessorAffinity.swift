import CPosix
import SystemPackage

/// Which processors threads run on.
enum ProcessorAffinity {
    /// The processors that the calling thread may use, by the kernel's numbers; at least one.
    static var allowed: [Int] {
        var processors: [Int] = []
        var candidate: Int32 = 0
        while true {
            candidate = cposix_next_allowed_processor(candidate)
            guard candidate >= 0 else { break }
            processors.append(Int(candidate))
            candidate += 1
        }
        return processors.isEmpty ? [0] : processors
    }

    /// Has the calling thread run on one processor only.
    static func pinThread(to processor: Int) throws(Errno) {
        try Errno.check(cposix_pin_thread(Int32(clamping: processor)))
    }
}
