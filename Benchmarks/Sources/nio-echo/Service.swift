import ArgumentParser
import NIOCore
import NIOHTTP1

/// What the server does with its connections.
enum Service: String, CaseIterable, ExpressibleByArgument, Sendable {
    case echo
    case http
    /// Sends lines back, by an async channel.
    case lines
    /// Sends messages of one size back, by an async channel.
    case exact
    /// Drops what it receives.
    case sink
    /// Sends the pattern without end.
    case source
    /// Sends lines back that begin with '?', and only looks at all others.
    case ask
    /// Forwards each connection to an upstream.
    case proxy
    /// Sends datagrams back.
    case udpEcho = "udp-echo"

    /// - Parameters:
    ///   - messageBytes: what a source sends at a time, and what a message of exact has.
    ///   - tasksOnLoop: of an async channel.
    func addHandlers(to channel: any Channel, messageBytes: Int, tasksOnLoop: Bool = false) throws {
        let pipeline = channel.pipeline.syncOperations
        switch self {
        case .udpEcho: try pipeline.addHandler(EchoHandler())
        case .echo:
            // Stops reading while writes wait.
            try pipeline.addHandler(BackPressureHandler())
            try pipeline.addHandler(EchoHandler())
        case .http:
            // Each request is answered before the next is looked at, so that nobody has to keep them in order.
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false,
                withErrorHandling: true
            )
            try pipeline.addHandler(HelloHandler())
        case .lines: try AsyncEcho(framing: .lines, onLoop: tasksOnLoop).serve(channel)
        case .exact:
            try AsyncEcho(framing: .exact(byteCount: messageBytes), onLoop: tasksOnLoop).serve(channel)
        case .ask:
            try pipeline.addHandler(BackPressureHandler())
            try pipeline.addHandler(AskHandler())
        case .proxy: preconditionFailure("a proxy's connections are glued to others")
        case .sink: try pipeline.addHandler(SinkHandler())
        case .source: try pipeline.addHandler(SourceHandler(messageBytes: messageBytes))
        }
    }
}
