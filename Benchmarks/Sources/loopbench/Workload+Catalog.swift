extension Workload {
    /// Every workload that has a name.
    static let catalog: [Workload] = core + more

    /// The ones that answer the usual questions in a few minutes.
    private static let core: [Workload] = [
        echo("echo-64Bx1", connections: 1, bytes: 64, core: true),
        echo("echo-64Bx50", connections: 50, bytes: 64, core: true),
        echo("echo-64Bx500", connections: 500, bytes: 64, core: true),
        echo("echo-16KiBx50", connections: 50, bytes: 16 << 10, core: true),
        Workload(
            name: "pipelined-64Bx10x32",
            summary: "64 B echoed on 10 connections with 32 messages in flight on each",
            kind: .echo,
            connections: 10,
            messageBytes: 64,
            depth: 32,
            isCore: true
        ),
        echo("echo-1MiBx2", connections: 2, bytes: 1 << 20, core: true),
        Workload(
            name: "churn-64Bx50",
            summary: "connect, echo 64 B once, close; 50 at a time",
            kind: .churn,
            connections: 50,
            messageBytes: 64,
            isCore: true
        ),
        Workload(
            name: "idle-5000",
            summary: "memory of 5,000 connections held after one message of 64 B each",
            kind: .idle,
            connections: 5_000,
            messageBytes: 64,
            isCore: true
        ),
    ]

    private static let more: [Workload] = [
        echo("echo-64Bx5000", connections: 5_000, bytes: 64),
        echo("echo-1KiBx50", connections: 50, bytes: 1 << 10),
        echo("echo-1KiBx500", connections: 500, bytes: 1 << 10),
        echo("echo-16KiBx500", connections: 500, bytes: 16 << 10),
        echo("unix-64Bx1", connections: 1, bytes: 64, family: .unix),
        echo("unix-64Bx50", connections: 50, bytes: 64, family: .unix),
        echo("unix-64Bx500", connections: 500, bytes: 64, family: .unix),
        echo("unix-16KiBx50", connections: 50, bytes: 16 << 10, family: .unix),
    ]

    private static func echo(
        _ name: String,
        connections: Int,
        bytes: Int,
        family: Family = .tcp,
        core: Bool = false
    ) -> Workload {
        let size =
            bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : bytes >= 1 << 10 ? "\(bytes >> 10) KiB" : "\(bytes) B"
        let plural = connections == 1 ? "connection" : "connections"
        let place = family == .unix ? "over a Unix socket" : "over TCP"
        return Workload(
            name: name,
            summary: "\(size) echoed \(place) on \(connections) \(plural), one message at a time on each",
            kind: .echo,
            family: family,
            connections: connections,
            messageBytes: bytes,
            isCore: core
        )
    }

    /// The workloads that `names` mean, in that order; `core` and `all` stand for several.
    static func named(_ names: [String]) throws(SelectionError) -> [Workload] {
        var found: [Workload] = []
        for name in names {
            switch name {
            case "core": found += core
            case "all": found += catalog
            default:
                guard let workload = catalog.first(where: { $0.name == name }) else {
                    throw SelectionError(kind: "workload", name: name, known: catalog.map(\.name))
                }
                found.append(workload)
            }
        }
        return found
    }
}
