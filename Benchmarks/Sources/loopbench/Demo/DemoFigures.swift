/// One row of the demo's table.
struct DemoFigures {
    var requestsPerSecond: Double
    var p50Microseconds: Double
    var p99Microseconds: Double
    /// Server CPU time.
    var cpuMicroseconds: Double
    /// What drove the server.
    var load: String
}
