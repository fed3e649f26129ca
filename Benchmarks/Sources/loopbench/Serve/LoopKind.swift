import ArgumentParser
import Proactor

/// A loop of the library's, by the name that it has on the command line.
enum LoopKind: String, CaseIterable, ExpressibleByArgument, Sendable {
    case proactor
    case epoll
    case poll
    case select

    var summary: String {
        switch self {
        case .proactor: "this library over io_uring: echo by callbacks"
        case .epoll, .poll, .select: "this library over \(rawValue): echo by callbacks"
        }
    }

    func makeLoop() throws -> BaseEventLoop {
        switch self {
        case .proactor: try ProactorEventLoop()
        case .epoll: try SelectorEventLoop(selector: .epoll)
        case .poll: try SelectorEventLoop(selector: .poll)
        case .select: try SelectorEventLoop(selector: .select)
        }
    }
}
