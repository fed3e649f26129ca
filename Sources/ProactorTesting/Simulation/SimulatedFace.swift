/// Which of the library's backends a simulated loop looks like.
///
/// ```swift
/// let simulation = Simulation(seed: 1, face: .selector)
/// ```
public enum SimulatedFace: Hashable, Sendable, CaseIterable {
    /// The library's own ring backend, over simulated submissions and completions.
    case ring
    /// The library's own selector backend, over simulated system calls.
    case selector
}
