import ArgumentParser
import NIOCore
import NIOHTTP1

/// What the server does with its connections.
enum Service: String, CaseIterable, ExpressibleByArgument, Sendable {
    case echo
    case http

    func addHandlers(to channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        switch self {
        case .echo:
            // Stops reading while writes wait.
            try pipeline.addHandler(BackPressureHandler())
            try pipeline.addHandler(EchoHandler())
        case .http:
            try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
            try pipeline.addHandler(HelloHandler())
        }
    }
}
