/// Which of the library's backends a simulated loop looks like.
///
/// ```swift
/// let simulation = Simulation(seed: 1, face: .selector)
/// ```
public enum SimulatedFace: Hashable, Sendable, CaseIterable {
    /// Operations go in and completions come out, as with io_uring.
    case ring
    /// The library's own selector backend, over simulated system calls.
    case selector
}
