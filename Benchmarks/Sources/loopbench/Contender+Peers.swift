import Foundation

extension Contender {
    /// Servers from elsewhere, which `make bench-peers` installs and builds.
    static let peers: [Contender] = [
        python(
            "asyncio",
            summary: "CPython's asyncio, over its own selector loop",
            by: installedPython ?? "python3"
        ),
        python(
            "uvloop",
            summary: "CPython's asyncio API over uvloop, which is libuv",
            by: peer("venv/bin/python3")
        ),
        echo("libuv", summary: "C over libuv: one shared read buffer, writes tried at once"),
        echo("asio-epoll", summary: "C++ over Boost.Asio's epoll reactor, by callbacks"),
        echo("asio-uring", summary: "C++ over Boost.Asio's io_uring service, by callbacks"),
        go,
    ]

    private static let remedy = "'make bench-peers' installs it"

    private static func echo(_ name: String, summary: String) -> Contender {
        let program = peer("\(name)-echo")
        return Contender(
            name: name,
            summary: summary,
            program: program,
            services: inC.merging([.udpEcho: ["--service", "udp-echo"]]) { $1 },
            versionCommand: [program, "--version"],
            remedy: remedy
        )
    }

    private static let go: Contender = {
        let program = peer("go-echo")
        return Contender(
            name: "go",
            summary: "Go's net package: a goroutine for each connection, bufio.Reader for lines",
            program: program,
            services: [
                .echo: ["--service", "echo"], .sink: ["--service", "sink"],
                .lines: ["--service", "lines"], .exact: ["--service", "exact"],
            ],
            versionCommand: [program, "--version"],
            remedy: "'make bench-peers' builds it where Go is installed"
        )
    }()

    private static func python(_ loop: String, summary: String, by interpreter: String) -> Contender {
        let script = Program.packageFolder.appending(path: "peers/server.py").path
        return Contender(
            name: loop,
            summary: summary,
            program: interpreter,
            arguments: [script, "--loop", loop],
            services: [
                .echo: ["echo"], .http: ["http"], .sink: ["sink"], .source: ["source"],
                .udpEcho: ["udp-echo"], .lines: ["lines"], .exact: ["exact"],
            ],
            tlsServices: [.echo: ["echo"]],
            versionCommand: [interpreter, script, "echo", "--loop", loop, "--version"],
            remedy: remedy
        )
    }

    /// The same interpreter for both, where there is one that has uvloop.
    private static var installedPython: String? { Program.find(peer("venv/bin/python3")) }

    /// A file that `make bench-peers` made; LOOPBENCH_PEERS names another folder than Benchmarks/.peers.
    static func peer(_ name: String) -> String {
        let folder = ProcessInfo.processInfo.environment["LOOPBENCH_PEERS"].map { URL(filePath: $0) }
        return (folder ?? Program.packageFolder.appending(path: ".peers")).appending(path: name).path
    }
}
