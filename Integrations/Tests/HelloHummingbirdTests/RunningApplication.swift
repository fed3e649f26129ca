import HelloHummingbird
import IntegrationOptions
import IntegrationTesting

/// The example application, served by a task of the test's.
struct RunningApplication {
    let port: Int
    private let serving: Task<Void, any Error>

    init(_ group: LoopGroup, loops: Int = 1, tls: TLSFiles? = nil) async throws {
        var options = ServerOptions()
        options.group = group
        options.port = 0
        options.loops = loops
        options.tls = tls
        let listening = FirstValue<Int>()
        let application = HelloApplication(options) { listening.set($0) }
        serving = Task { try await application.run(until: []) }
        port = try await listening.get()
    }

    /// What curl gets from a path, and the status.
    func curl(_ path: String, scheme: String = "http", _ options: [String] = []) async throws
        -> Program.Output
    {
        let url = "\(scheme)://localhost:\(port)\(path)"
        let always = ["--silent", "--show-error", "--fail", "--max-time", "60", "--ipv4", "--noproxy", "*"]
        return try await Program("curl", always + options + [url]).run()
    }

    /// Cuts it short, and waits for its end.
    func end() async {
        serving.cancel()
        _ = await serving.result
    }
}
