extension IOOperation {
    /// The side of its descriptor that it has to itself; `nil` when it needs the whole descriptor.
    var side: Readiness? {
        switch self {
        case .accept, .receive, .receiveInto, .receiveDatagrams: .read
        case .connect, .send, .sendMessage, .sendFile: .write
        case .close, .openFile, .readFile, .writeFile, .synchronizeFile, .fileStatus: nil
        }
    }

    /// Whether it is a call that may block and has no readiness to wait for.
    var needsThread: Bool {
        switch self {
        case .openFile, .readFile, .writeFile, .synchronizeFile, .fileStatus: true
        case .accept, .connect, .receive, .receiveInto, .receiveDatagrams, .send, .sendMessage, .close,
            .sendFile:
            false
        }
    }
}
