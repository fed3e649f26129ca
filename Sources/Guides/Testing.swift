// The code of the pages ProactorTesting.md and FindingABug.md, which a test holds against it. What the second shows is also in
// Tests/ProactorScenarios, where it is run.
import Proactor
import ProactorTesting

func testByASimulation() throws {
    try Simulation.explore(seeds: 0..<10_000) { simulation in
        let server = try simulation.host("server")
        server.start { try await serve() }
        let client = try simulation.host("client")
        var answer: [UInt8]?
        client.start { answer = try await ask(host: "server") }
        try simulation.run(until: { answer != nil })
        try simulation.finish()
    }
}

private nonisolated(nonsending) func serve() async throws {
    let loop = try getRunningLoop()
    let server = try await loop.startServer(host: "0.0.0.0", port: 9000) { reader, writer in
        writer.write(try await reader.readLine())
        writer.close()
    }
    try await server.serveForever()
}

private nonisolated(nonsending) func ask(host: String) async throws -> [UInt8] {
    try await getRunningLoop().withConnection(host: host, port: 9000) { reader, writer in
        writer.write("What time is it?\n")
        return try await reader.readLine()
    }
}

func runBackup() async throws {
    let loop = try getRunningLoop()
    let file = try await File.open("/var/store", .readWrite, options: .create, on: loop)
    var end = try await file.status().size
    let server = try await loop.startServer(host: "0.0.0.0", port: 9000) { reader, writer in
        while let line = try? await reader.readLine(), !line.isEmpty {
            try await file.write(line, at: end)
            end += Int64(line.count)
            writer.write("ok\n")
            try await file.synchronize()
        }
        writer.close()
    }
    try await server.serveForever()
}

func scenario(_ simulation: Simulation) throws {
    let backup = try simulation.host("backup")
    backup.start { try await runBackup() }
    let primary = try simulation.host("primary")
    primary.start { try await runPrimary() }
    var promised: [Int] = []
    try simulation.host("client").start { try await put(50) { promised.append($0) } }

    try simulation.run(for: .microseconds(3_000 + simulation.choice(below: 40_000)))
    primary.crash()
    backup.crash()

    let text = String(decoding: backup.contents(ofFile: "/var/store") ?? [], as: UTF8.self)
    for key in promised where !text.contains("key\(key)=value\(key)\n") { throw LostKey(key: key) }
}

struct LostKey: Error { let key: Int }

private nonisolated(nonsending) func runPrimary() async throws {
    let loop = try getRunningLoop()
    let (answers, backup) = try await loop.openConnection(host: "backup", port: 9000)
    let server = try await loop.startServer(host: "0.0.0.0", port: 8000) { reader, writer in
        while let line = try? await reader.readLine(), !line.isEmpty {
            backup.write(line)
            writer.write(try await answers.readLine())
        }
        writer.close()
    }
    try await server.serveForever()
}

private nonisolated(nonsending) func put(_ keys: Int, promised: (Int) -> Void) async throws {
    let (answers, store) = try await getRunningLoop().openConnection(host: "primary", port: 8000)
    for key in 0..<keys {
        store.write("key\(key)=value\(key)\n")
        guard try await answers.readLine() == Array("ok\n".utf8) else { return }
        promised(key)
    }
}

func whatWasPromisedIsThere() throws {
    try Simulation.explore(seeds: 0..<2_000, scenario: scenario)
}

func whatWasPromisedIsThereInNeed() throws {
    var faults = SimulationFaults.all
    faults[.resourceShortage] = 0.05
    try Simulation.explore(seeds: 0..<2_000, faults: faults, scenario: scenario)
}
