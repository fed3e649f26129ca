/// No address could be connected to: why, for each.
///
/// ```swift
/// do {
///     _ = try await loop.createConnection(options) { Client() }
/// } catch let error as ConnectionError {
///     for reason in error.reasons { print(reason) }
/// }
/// ```
public struct ConnectionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One reason for each address, in the order of the attempts; never none.
    public let reasons: [SocketError]

    package init(reasons: [SocketError]) {
        precondition(!reasons.isEmpty, "a connection failed without a reason")
        self.reasons = reasons
    }

    public var description: String {
        reasons.count == 1 ? reasons[0].description : "every address failed: \(reasons.map(\.description))"
    }
}
