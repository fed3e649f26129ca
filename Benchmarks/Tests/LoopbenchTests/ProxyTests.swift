import Foundation
import Testing

@testable import loopbench

/// Servers of this package that forward, as processes.
struct ProxyTests {
    @Test(arguments: ["c-ring", "c-epoll", "proactor", "epoll", "poll", "swift-nio", "swift-nio-proactor"])
    func contendersForward(_ name: String) throws {
        let contender = try #require(Contender.catalog.first { $0.name == name })
        let workload = try #require(Workload(named: "proxy-64KiBx5"))
        try Self.measures(workload, contender)
    }

    /// A server of the command line is told where the upstream is, and the connection by which it is found to listen is
    /// forwarded too, and none of the load's.
    @Test func aServerOfTheCommandLineForwards() throws {
        let program = Program.sibling("c-epoll-echo")
        let command = "mine:proxy=\(program) --service proxy --port {port} --upstream {upstream}"
        let contender = Contender(
            name: "mine",
            summary: "",
            program: "",
            templates: [try ContenderArgument(command).template]
        )
        try Self.measures(try #require(Workload(named: "proxy-1KiBx1")), contender)
    }

    private static func measures(_ workload: Workload, _ contender: Contender) throws {
        var measured: loopbench.Measurement?
        // Beside other tests a server may not have its turn for long. Another one each time: one that is late would forward
        // what is left of the time before.
        for seconds in [0.1, 1, 10] where measured?.bytes ?? 0 == 0 {
            let server = try ServerProcess.start(contender, for: workload, cpu: -1)
            measured = try LoadGenerator(warmUpSeconds: 0, windowSeconds: seconds).measure(
                workload,
                contender: contender.name,
                round: 1,
                endpoint: server.endpoint,
                processID: server.processID,
                upstream: server.upstream
            )
            #expect(measured?.errors == 0)
            try server.stop()
        }
        let found = try #require(measured)
        #expect(found.bytes > 0 && found.corruptions == 0)
    }
}
