// The code of the pages Proactor.md, SignalsAndEnds.md and ThreadsAndActors.md, which a test holds against it.
import Proactor

func serveEcho() {
    runMain {
        let endpoint = ServerOptions.Endpoint.tcp(hosts: ["127.0.0.1"], port: 9000)
        let server = try await getRunningLoop().createServer(ServerOptions(endpoint)) { Echo() }
        try await server.serveForever()
    }
}

func serveUntilASignal() {
    runMain {
        let server = try await getRunningLoop().createServer(host: "127.0.0.1", port: 8888) { Echo() }
        let summary = try await server.serve(until: [.terminate, .interrupt], grace: .seconds(2))
        print(summary)
    }
}

func serveAndCleanUp() {
    runMain {
        let server = try await getRunningLoop().createServer(host: "127.0.0.1", port: 8888) { Echo() }
        defer { print("cleaned up") }
        try await server.serveForever()
    }
}

nonisolated(nonsending) func waitForHangUp() async throws {
    let loop = try getRunningLoop()
    let reload = loop.createFuture()
    try loop.addSignalHandler(.hangUp) { reload.trySetResult() }
    try await reload.value()
}

actor Rooms {
    private var members: [LoopBound<any Transport>] = []

    func join(_ member: LoopBound<any Transport>) { members.append(member) }

    func say(_ text: String) {
        // From the actor's thread to the loop's.
        for member in members { try? member.post { $0.write(text) } }
    }
}

nonisolated(nonsending) func fetchAll(
    _ hosts: [String],
    by fetch: @escaping (String) async throws -> [UInt8]
) async throws -> [[UInt8]] {
    let loop = try getRunningLoop()
    let tasks = hosts.map { host in loop.createTask { try await fetch(host) } }
    let pages = try await gather(tasks)
    return pages
}

nonisolated final class Visits {
    var value = 0
}
