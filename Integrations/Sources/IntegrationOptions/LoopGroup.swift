import Proactor
import ProactorNIO

/// Whose event loops serve; the program above them is the same.
public enum LoopGroup: String, CaseIterable, Sendable {
    /// SwiftNIO's own, over epoll.
    case nio
    /// swift-proactor's: rings where the machine has them, and else epoll.
    case proactor
    /// swift-proactor's, over epoll.
    case proactorEpoll = "proactor-epoll"

    /// Those that are swift-proactor's.
    public static let proactors: [LoopGroup] = [.proactor, .proactorEpoll]

    /// As many of swift-proactor's loops, on threads called "loop".
    public func makeProactorGroup(_ count: Int) throws -> NIOProactorEventLoopGroup {
        precondition(self != .nio, "SwiftNIO's loops are made by SwiftNIO")
        var options = EventLoopGroupOptions(loopCount: count, name: "loop")
        if self == .proactorEpoll { options.makeLoop = { _ in try SelectorEventLoop(selector: .epoll) } }
        return try NIOProactorEventLoopGroup(options)
    }
}
