@testable import Proactor

/// The loops that are soaked.
enum SoakKind: String, CaseIterable, Sendable {
    case ring
    case epoll

    /// Both, or those that `PROACTOR_TEST_LOOPS` names among others.
    static let allCases = [ring, epoll].filter { SoakSettings.loops?.contains($0.rawValue) ?? true }

    func makeLoop() throws -> BaseEventLoop {
        switch self {
        case .ring: try ProactorEventLoop()
        case .epoll: try SelectorEventLoop(selector: .epoll)
        }
    }
}
