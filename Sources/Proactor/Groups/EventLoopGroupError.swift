import SystemPackage

/// Why an ``EventLoopGroup`` could not be made. Nothing is left of it then: the loops that had started have ended.
///
/// ```swift
/// do {
///     let group = try EventLoopGroup()
/// } catch {
///     print(error)  // says what to change
/// }
/// ```
public enum EventLoopGroupError: Error, Sendable {
    /// The loop with this number could not be made or started.
    case cannotMakeLoop(index: Int, any Error)
    /// There is no thread for the loop with this number: the limit on threads is reached.
    case cannotStartThread(index: Int, Errno)
    /// The thread of the loop with this number may not run on the processor, or there is no such processor.
    case cannotPin(index: Int, processor: Int, Errno)
    /// Options that contradict each other or mean nothing.
    case invalidOptions(String)
}

extension EventLoopGroupError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cannotMakeLoop(let index, let reason): "loop \(index) of the group cannot be made: \(reason)"
        case .cannotStartThread(let index, let errno):
            "no thread for loop \(index) of the group: \(errno); raise the limit on threads (ulimit -u, pids.max)"
        case .cannotPin(let index, let processor, let errno):
            "the thread of loop \(index) cannot be pinned to processor \(processor): \(errno); see taskset -p"
        case .invalidOptions(let reason): reason
        }
    }
}
