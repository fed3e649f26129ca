/// Which processors the threads of an ``EventLoopGroup`` run on.
///
/// ```swift
/// var options = EventLoopGroupOptions(loopCount: 2)
/// options.pinning = .processors([2, 3])
/// ```
/// Only the loops' own threads are pinned: blocking work that a loop hands to its executor runs on any processor. Child
/// processes inherit where the loop that starts them may run; a fork's child does not.
public enum ThreadPinning: Hashable, Sendable {
    /// Wherever the kernel sees fit.
    case none
    /// Each thread on one of the processors that the process may use, in turn.
    case onePerProcessor
    /// Each thread on one of these processors, by the kernel's numbers from 0 on, in turn.
    case processors([Int])

    /// The processor of each of so many threads; `nil` for no pinning.
    ///
    /// - Throws: ``EventLoopError/invalidArgument(_:)`` for an empty list.
    func processors(forThreads count: Int) throws(EventLoopError) -> [Int?] {
        let choices: [Int]
        switch self {
        case .none: return Array(repeating: nil, count: count)
        case .onePerProcessor: choices = ProcessorAffinity.allowed
        case .processors(let processors): choices = processors
        }
        guard !choices.isEmpty else {
            throw .invalidArgument("threads cannot be pinned to an empty list of processors")
        }
        return (0..<count).map { choices[$0 % choices.count] }
    }
}
