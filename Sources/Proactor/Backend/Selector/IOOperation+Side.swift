extension IOOperation {
    /// The side of its descriptor that it has to itself; `nil` when it needs the whole descriptor.
    var side: Readiness? {
        switch self {
        case .accept, .receive, .receiveInto: .read
        case .connect, .send, .sendMessage: .write
        case .close: nil
        }
    }
}
