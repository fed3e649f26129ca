import Testing

@testable import loopbench

struct WorkloadTests {
    @Test(arguments: Workload.catalog + Workload.quick)
    func nameSaysEveryParameter(_ workload: Workload) throws {
        #expect(Workload(named: workload.name) == workload)
    }

    @Test func anyParametersCanBeNamed() throws {
        let pipelined = try #require(Workload(named: "unix-pipelined-4KiBx7x9@250"))
        #expect(pipelined.kind == .echo)
        #expect(pipelined.family == .unix)
        #expect(pipelined.messageBytes == 4_096)
        #expect(pipelined.connections == 7)
        #expect(pipelined.depth == 9)
        #expect(pipelined.rate == 250)
        #expect(Workload(named: "stream-out-3MiBx2")?.messageBytes == 3 << 20)
        #expect(Workload(named: "idle-12")?.connections == 12)
        #expect(Workload(named: "udp-64Bx50")?.kind == .udp)
        let flood = try #require(Workload(named: "unix-flood-7"))
        #expect(flood.kind == .flood && flood.connections == 7 && flood.messageBytes == 30)
        let proxy = try #require(Workload(named: "proxy-16KiBx3"))
        #expect(proxy.kind == .proxy && proxy.connections == 3 && proxy.messageBytes == 16 << 10)
        let lines = try #require(Workload(named: "unix-lines-4KiBx7"))
        #expect(lines.kind == .lines && lines.service == .lines && lines.family == .unix)
        #expect(lines.messageBytes == 4_096 && lines.connections == 7)
        let exact = try #require(Workload(named: "exact-3MiBx2"))
        #expect(exact.kind == .exact && exact.service == .exact && exact.messageBytes == 3 << 20)
        let full = try #require(Workload(named: "tls-full-1KiBx7"))
        #expect(
            full.kind == .churn && full.tls == .full && full.service == .echo && full.messageBytes == 1_024
        )
        #expect(Workload(named: "unix-tls-resumed-64Bx7")?.tls == .resumed)
        let sealed = try #require(Workload(named: "tls-pipelined-64Bx7x9@250"))
        #expect(sealed.kind == .echo && sealed.tls == .full && sealed.depth == 9 && sealed.rate == 250)
        #expect(Workload(named: "tls-64Bx50")?.serviceName == "tls-echo")
        let held = try #require(Workload(named: "tls-idle-16KiBx12"))
        #expect(
            held.kind == .idle && held.tls == .full && held.messageBytes == 16 << 10 && held.connections == 12
        )
        #expect(Workload(named: "tls-idle-12")?.messageBytes == 64)
        let datagrams = try #require(Workload(named: "udp-pipelined-1KiBx7x16"))
        #expect(datagrams.kind == .udp && datagrams.depth == 16 && datagrams.connections == 7)
        let plain = try #require(Workload(named: "udp-plain-1KiBx7x16"))
        #expect(plain.isPlain == true && plain.depth == 16 && plain != datagrams)
    }

    @Test(arguments: [
        "", "echo", "echo-64x1", "echo-64Bx0", "echo-64Bx", "echo-64Bx1x2", "idle-64Bx1", "churn-64Bx1@5",
        "unix-http-5", "udp-4Bx1", "udp-65508Bx1", "unix-udp-64Bx1", "udp-64Bx1x2", "udp-64Bx1@5",
        "udp-pipelined-64Bx1", "unix-udp-pipelined-64Bx1x2", "udp-pipelined-64Bx1x2@5", "udp-plain-64Bx5",
        "flood-64Bx1", "flood-0", "flood-", "flood-5@5", "proxy-5", "unix-proxy-64KiBx5", "proxy-64KiBx5x2",
        "lines-1Bx1", "lines-65537Bx1", "lines-64B", "lines-64Bx1x2", "lines-64Bx5@5", "lines-5",
        "exact-0Bx1", "tls-", "tls-50", "tls-echo-64Bx1", "tls-lines-64Bx1", "tls-udp-64Bx1",
        "tls-churn-64Bx1",
        "tls-resumed-64Bx1@5", "tls-full-64Bx1x2", "tls-idle-64B", "tls-unix-64Bx1", "tls-http-5",
        "tls-tls-64Bx1",
        "exact-64Bx5@5", "exact-64Bx5x2",
        "echo-64Bx1@0", "echo-64Bx1@", "echo-9999999999GiBx1", "64Bx1", "pipelined-64Bx1", "echo-64Bx1@5@5",
    ])
    func nonsenseIsNoWorkload(_ name: String) {
        #expect(Workload(named: name) == nil)
    }

    @Test func listHasWhatTheToolPromises() {
        let names = Set(Workload.catalog.map(\.name))
        for prefix in ["echo", "unix"] {
            for size in ["64B", "1KiB", "16KiB", "1MiB"] {
                for connections in [1, 50, 500, 5_000] {
                    #expect(names.contains("\(prefix)-\(size)x\(connections)"))
                }
            }
        }
        #expect(names.count == Workload.catalog.count, "each once")
        #expect(Set(Workload.catalog.map(\.kind)) == Set(Workload.Kind.allCases))
        #expect(Workload.catalog.allSatisfy { !$0.measures.isEmpty && !$0.ignores.isEmpty })
    }

    @Test func namesAreFoundInOrderAndOnce() throws {
        let found = try Workload.named(["idle-5", "quick", "echo-64Bx50"])
        #expect(found.map(\.name).first == "idle-5")
        #expect(found.count == 1 + Workload.quick.count)
        #expect(throws: SelectionError.self) { try Workload.named(["echo-64Bx50", "nothing"]) }
    }
}
