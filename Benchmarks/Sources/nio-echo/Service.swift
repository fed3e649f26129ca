import ArgumentParser
import NIOCore
import NIOHTTP1

/// What the server does with its connections.
enum Service: String, CaseIterable, ExpressibleByArgument, Sendable {
    case echo
    case http
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

    /// - Parameter messageBytes: what a source sends at a time.
    func addHandlers(to channel: any Channel, messageBytes: Int) throws {
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
        case .ask:
            try pipeline.addHandler(BackPressureHandler())
            try pipeline.addHandler(AskHandler())
        case .proxy: preconditionFailure("a proxy's connections are glued to others")
        case .sink: try pipeline.addHandler(SinkHandler())
        case .source: try pipeline.addHandler(SourceHandler(messageBytes: messageBytes))
        }
    }
}
