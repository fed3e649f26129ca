/// A kind of thing that a real system leaves open, and a simulation draws from its seed.
///
/// ```swift
/// var faults = SimulationFaults.all
/// faults[.packetLoss] = 0.3
/// ```
public enum SimulationFault: Int, CaseIterable, Sendable {
    /// Reads and writes that move less than they could.
    case shortTransfers
    /// The completions of one turn in another order than that of their causes.
    case completionOrder
    /// Completions that come some microseconds later than they could.
    case lateCompletions
    /// Cancels that lose against what they are to cancel.
    case cancelRaces
    /// Descriptors that are said to be ready and are not.
    case spuriousReadiness
    /// Calls that a signal interrupts.
    case interrupts
    /// Packets that take longer than their link's latency.
    case packetDelay
    /// Packets that are lost: datagrams for good, a stream's until they are sent again.
    case packetLoss
    /// Datagrams that come twice.
    case packetDuplication
    /// Datagrams that overtake others.
    case packetReordering
    /// Calls that find no descriptor, or no memory for what they are to make: a socket, a connection, a pipe.
    case resourceShortage
    /// Names that cannot be looked up for now.
    case nameFailures
    /// Work on executors, disks and name servers that takes its time.
    case slowWork
    /// Transfers and waits that find no memory or no buffer: a connection breaks by it, a datagram is lost.
    case memoryShortage
    /// Rings of a kernel that lacks some of what newer ones have, and with small queues and few buffers.
    case olderKernel
    /// Rings that take submissions later, end operations early that go on by themselves, and leave receives to threads.
    case ringMoods
}
