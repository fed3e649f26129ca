extension Contender {
    /// Every contender that has a name.
    static let catalog: [Contender] =
        [
            Contender(
                name: "c-ring",
                summary: "C over liburing: multishot accept and receive, provided buffers, one enter a turn",
                program: Program.sibling("c-ring-echo"),
                services: inC.merging(furtherInC) { $1 }
            ),
            Contender(
                name: "c-epoll",
                summary: "C over epoll: level-triggered, one shared read buffer",
                program: Program.sibling("c-epoll-echo"),
                services: inC.merging(furtherInC) { $1 }
            ),
            Contender(
                name: "c-ring-udp",
                summary:
                    "C over liburing: multishot recvmsg, provided buffers, the answers of a turn by one sendmmsg, GRO and GSO",
                program: Program.sibling("c-ring-udp"),
                services: [.udpEcho: []]
            ),
            tlsInC("c-ring", summary: "C over liburing, with OpenSSL between its buffers"),
            tlsInC("c-epoll", summary: "C over epoll, with OpenSSL between its buffers"),
        ] + LoopKind.allCases.map { serving(on: $0) }
        + [LoopKind.proactor, .epoll].flatMap { [awaiting(on: $0), calling(on: $0)] }
        + [
            Contender(
                name: "swift-nio",
                summary: "SwiftNIO over epoll: one event loop thread, channel handlers as in its examples",
                program: Program.sibling("nio-echo"),
                services: [
                    .echo: ["echo"], .http: ["http"], .sink: ["sink"], .source: ["source"],
                    .ask: ["ask"], .proxy: ["proxy"], .udpEcho: ["udp-echo"],
                ],
                tlsServices: [.echo: ["echo"]]
            ),
            Contender(
                name: "swift-nio-async",
                summary:
                    "the same by async channels: a task for each connection, on Swift's own threads as in its examples",
                program: Program.sibling("nio-echo"),
                services: [.lines: ["lines"], .exact: ["exact"]]
            ),
            Contender(
                name: "swift-nio-async-loop",
                summary: "the same by async channels, with the tasks on the event loop's thread",
                program: Program.sibling("nio-echo"),
                arguments: ["--tasks-on-loop"],
                services: [.lines: ["lines"], .exact: ["exact"]]
            ),
            Contender(
                name: "swift-nio-async-takeover",
                summary:
                    "the same by async channels, with SwiftNIO's loop as the executor of all of Swift's tasks",
                program: Program.sibling("nio-echo"),
                arguments: ["--group", "nio-takeover"],
                services: [.lines: ["lines"], .exact: ["exact"]]
            ),
            Contender(
                name: "swift-nio-proactor",
                summary:
                    "the same channel handlers over this library's loop, a ring where the machine has it",
                program: Program.sibling("nio-echo"),
                arguments: ["--group", "proactor"],
                services: [
                    .echo: ["echo"], .http: ["http"], .sink: ["sink"], .source: ["source"],
                    .ask: ["ask"], .proxy: ["proxy"], .udpEcho: ["udp-echo"],
                ],
                tlsServices: [.echo: ["echo"]]
            ),
            Contender(
                name: "swift-nio-proactor-async",
                summary: "the same by async channels, with the tasks on this library's loop",
                program: Program.sibling("nio-echo"),
                arguments: ["--group", "proactor"],
                services: [.lines: ["lines"], .exact: ["exact"]]
            ),
            Contender(
                name: "swift-nio-offload",
                summary:
                    "the same with GRO and GSO: its handler is given a peer's datagrams that came in a row as one",
                program: Program.sibling("nio-echo"),
                services: [.udpEcho: ["udp-echo", "--offload"]]
            ),
        ] + peers

    /// This program, as a server on a loop of the library's.
    static func serving(on loop: LoopKind) -> Contender {
        Contender(
            name: loop.rawValue,
            summary: loop.summary,
            program: Program.sibling("loopbench"),
            arguments: ["serve", "--loop", loop.rawValue],
            services: [
                .echo: ["echo"], .sink: ["sink"], .source: ["source"], .http: ["http"],
                .ask: ["ask"], .proxy: ["proxy"], .udpEcho: ["udp-echo"],
                .lines: [Service.lines.rawValue], .exact: [Service.exact.rawValue],
            ],
            tlsServices: [.echo: ["echo"]],
            connectionsMax: loop == .select ? 1_000 : nil
        )
    }

    /// The same loop with a task for each connection.
    private static func awaiting(on loop: LoopKind) -> Contender {
        var contender = serving(on: loop)
        contender.name += "-async"
        contender.summary = "the same loop as \(loop.rawValue): echo by a task for each connection"
        contender.services = [.echo: [Service.asyncEcho.rawValue]]
        contender.tlsServices = [:]
        contender.isAsync = true
        return contender
    }

    /// The same loop with a task for each connection, and sockets instead of transports.
    private static func calling(on loop: LoopKind) -> Contender {
        var contender = serving(on: loop)
        contender.name += "-sock"
        contender.summary = "the same loop as \(loop.rawValue): echo by sockRecv and sockSendAll"
        contender.services = [.echo: [Service.sockEcho.rawValue]]
        contender.tlsServices = [:]
        contender.families = [.tcp]
        contender.isAsync = true
        return contender
    }

    /// C's server over TLS, which is a program of its own.
    private static func tlsInC(_ name: String, summary: String) -> Contender {
        Contender(
            name: "\(name)-tls",
            summary: summary,
            program: Program.sibling("\(name)-tls"),
            services: [:],
            tlsServices: [.echo: []]
        )
    }

    static let inC: [Service: [String]] = [
        .echo: [], .sink: ["--service", "sink"], .source: ["--service", "source"],
    ]

    /// What no server from elsewhere has. Lines and messages go back as bytes do.
    private static let furtherInC: [Service: [String]] = [
        .ask: ["--service", "ask"], .proxy: ["--service", "proxy"], .lines: [], .exact: [],
    ]

    /// The contenders that `names` mean, in that order.
    static func named(
        _ names: [String],
        among known: [Contender] = catalog
    ) throws(SelectionError) -> [Contender] {
        var found: [Contender] = []
        for name in names {
            guard let contender = known.first(where: { $0.name == name }) else {
                throw SelectionError(kind: "contender", name: name, known: known.map(\.name))
            }
            found.append(contender)
        }
        return found
    }
}
