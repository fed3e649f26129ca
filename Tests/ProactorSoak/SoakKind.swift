@testable import Proactor

/// The loops that are soaked.
enum SoakKind: CaseIterable, Sendable {
    case ring
    case epoll

    func makeLoop() throws -> BaseEventLoop {
        switch self {
        case .ring: try ProactorEventLoop()
        case .epoll: try SelectorEventLoop(selector: .epoll)
        }
    }
}
