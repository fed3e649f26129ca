/// The real system's sockets and pipes, where a test's loops cannot see them: what it did with them would show nothing.
enum RealSockets {
    /// Whether the test's loops are simulated.
    @TaskLocal static var areOutOfReach = false

    static func checkReach() throws {
        guard !areOutOfReach else { throw RealSocketOnSimulatedLoop() }
    }
}

struct RealSocketOnSimulatedLoop: Error, CustomStringConvertible {
    let description = """
        a simulated loop sees no real socket: make the peer by the loop, or run the test on LoopKind.allCases, which leaves the \
        simulated ones out
        """
}

extension LoopKind {
    var isSimulated: Bool { self == .simulatedRing || self == .simulatedSelector }
}
