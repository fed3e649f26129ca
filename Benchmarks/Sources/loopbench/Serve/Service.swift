import ArgumentParser
import Proactor

/// What a server does with its connections.
enum Service: String, CaseIterable, ExpressibleByArgument, Sendable {
    case echo
    case http

    func makeProtocol() -> any ConnectionProtocol {
        switch self {
        case .echo: EchoConnection()
        case .http: HelloConnection()
        }
    }
}
