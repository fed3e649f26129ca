extension IOOperation {
    /// The side of its descriptor that it has to itself; `nil` when it needs the whole descriptor.
    package var side: Readiness? {
        switch self {
        case .accept, .acceptOnce, .receive, .receiveOnce, .receiveInto, .receiveMessage, .receiveDatagrams,
            .pipeRead, .pipeReadInto, .waitUntilReadable, .waitForHangUp:
            .read
        case .connect, .send, .sendNow, .sendMessage, .sendMessageNow, .sendFile, .pipeWrite,
            .pipeWriteVector,
            .waitUntilWritable:
            .write
        case .watch(_, let side): side
        case .close, .closeFile, .waitForChild, .openFile, .readFile, .writeFile, .synchronizeFile,
            .fileStatus:
            nil
        }
    }

    /// Whether it is a call that may block and has no readiness to wait for.
    var needsThread: Bool {
        switch self {
        case .closeFile, .openFile, .readFile, .writeFile, .synchronizeFile, .fileStatus: true
        default: false
        }
    }

    /// What has its descriptor watched while it waits.
    var interest: Readiness? {
        if case .waitForHangUp = self { .hangUp } else { side }
    }
}
