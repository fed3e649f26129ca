/// What lies between two hosts, in one direction.
///
/// ```swift
/// try simulation.setLink(SimulatedLink(latency: .milliseconds(40), bytesPerSecond: 1_000_000), between: "a", and: "b")
/// ```
public struct SimulatedLink: Hashable, Sendable {
    /// How long the shortest packet takes.
    public var latency: Duration
    /// How many bytes go through in a second; `nil` is without limit.
    public var bytesPerSecond: Int?
    /// The probability, from zero to one, that a packet is lost, besides the simulation's own
    /// ``SimulationFault/packetLoss``.
    public var loss: Double
    /// Whether anything comes through at all.
    public var isUp: Bool

    /// A link.
    ///
    /// - Parameters:
    ///   - latency: how long the shortest packet takes.
    ///   - bytesPerSecond: how many bytes go through in a second; `nil` is without limit.
    ///   - loss: the probability, from zero to one, that a packet is lost.
    ///   - isUp: whether anything comes through at all.
    public init(
        latency: Duration = .microseconds(100),
        bytesPerSecond: Int? = nil,
        loss: Double = 0,
        isUp: Bool = true
    ) {
        precondition(latency >= .zero, "a packet cannot arrive before it was sent")
        precondition((0...1).contains(loss), "a probability is a number from zero to one")
        precondition(
            bytesPerSecond.map { $0 > 0 } ?? true,
            "a link that carries nothing is one that is not up"
        )
        self.latency = latency
        self.bytesPerSecond = bytesPerSecond
        self.loss = loss
        self.isUp = isUp
    }
}
