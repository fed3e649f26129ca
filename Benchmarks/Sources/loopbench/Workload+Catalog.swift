extension Workload {
    /// Every workload that a list shows. Others can be asked for by names of the same form.
    static let catalog: [Workload] = core + more

    /// A few minutes' worth, with something of everything.
    static let quick = all("echo-64Bx50 echo-16KiBx50 pipelined-64Bx10x32 churn-64Bx50 idle-1000")

    /// The ones that answer the usual questions.
    static let core = all(
        """
        echo-64Bx1 echo-64Bx50 echo-64Bx500 echo-16KiBx50 pipelined-64Bx10x32 echo-1MiBx2 churn-64Bx50 \
        stream-in-64KiBx1 stream-out-64KiBx1 idle-5000 unix-64Bx50 http-50
        """
    )

    private static let more: [Workload] = {
        let sizes = ["64B", "1KiB", "16KiB", "1MiB"]
        let grid = ["echo", "unix"].flatMap { kind in
            sizes.flatMap { size in [1, 50, 500, 5_000].map { "\(kind)-\(size)x\($0)" } }
        }
        let others = """
            pipelined-64Bx50x16 pipelined-1KiBx10x32 unix-pipelined-64Bx10x32 churn-64Bx1 churn-1KiBx500 \
            unix-churn-64Bx50 stream-in-64KiBx50 stream-out-64KiBx50 stream-out-64KiBx500 unix-stream-in-64KiBx1 \
            unix-stream-out-64KiBx1 flood-1 flood-4 flood-50 flood-500 proxy-64KiBx1 proxy-64KiBx50 proxy-64KiBx500 \
            lines-64Bx1 lines-64Bx50 lines-64Bx500 unix-lines-64Bx50 exact-64Bx50 exact-16KiBx1 exact-16KiBx50 \
            exact-16KiBx500 unix-exact-16KiBx50 idle-1000 echo-64Bx50@20000 echo-64Bx500@20000 http-500 udp-64Bx1 udp-64Bx50 udp-1KiBx50 \
            udp-pipelined-64Bx10x16 udp-pipelined-64Bx50x4 udp-plain-64Bx50x4 udp-pipelined-1KiBx10x16 \
            tls-64Bx50 tls-64Bx500 tls-16KiBx50 tls-1MiBx2 tls-full-64Bx50 tls-resumed-64Bx50 tls-idle-1000 \
            tls-idle-16KiBx1000
            """
        return all((grid + [others]).joined(separator: " ")).filter { !core.contains($0) }
    }()

    private static func all(_ names: String) -> [Workload] {
        names.split(separator: " ").map { name in
            guard let workload = Workload(named: String(name)) else {
                preconditionFailure("no workload: \(name)")
            }
            return workload
        }
    }

    /// What stands for several: their name and what they are.
    static let groups: [(name: String, workloads: [Workload])] = [
        ("quick", quick), ("core", core), ("all", catalog),
        (
            "echo",
            catalog.filter {
                $0.kind == .echo && $0.family == .tcp && $0.tls == nil && $0.depth == 1 && $0.rate == nil
            }
        ),
        ("unix", catalog.filter { $0.family == .unix }),
        ("lines", catalog.filter { $0.kind == .lines }),
        ("exact", catalog.filter { $0.kind == .exact }),
        ("stream", catalog.filter { $0.kind == .streamIn || $0.kind == .streamOut }),
        ("flood", catalog.filter { $0.kind == .flood }),
        ("proxy", catalog.filter { $0.kind == .proxy }),
        ("churn", catalog.filter { $0.kind == .churn && $0.tls == nil }),
        ("idle", catalog.filter { $0.kind == .idle && $0.tls == nil }),
        ("tls", catalog.filter { $0.tls != nil }),
        ("udp", catalog.filter { $0.kind == .udp }),
        ("http", catalog.filter { $0.kind == .http }),
        ("rate", catalog.filter { $0.rate != nil }),
    ]

    /// The workloads that `names` mean, in that order and each once.
    static func named(_ names: [String]) throws(SelectionError) -> [Workload] {
        var found: [Workload] = []
        for name in names {
            if let group = groups.first(where: { $0.name == name }) {
                found += group.workloads
            } else if let workload = Workload(named: name) {
                found.append(workload)
            } else {
                throw SelectionError(
                    kind: "workload",
                    name: name,
                    known: groups.map(\.name) + catalog.map(\.name)
                )
            }
        }
        return found.withoutRepeats
    }
}

extension Array where Element: Equatable {
    /// Each element once, where it comes first.
    var withoutRepeats: [Element] {
        var kept: [Element] = []
        for element in self where !kept.contains(element) { kept.append(element) }
        return kept
    }
}
