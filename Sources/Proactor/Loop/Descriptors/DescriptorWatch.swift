import SystemPackage

/// A reader or a writer: the callback for one side of a descriptor.
final class DescriptorWatch: CompletionOwner {
    private let loop: BaseEventLoop
    let descriptor: FileDescriptor
    let side: Readiness
    /// `nil` once it was removed.
    private var callback: (() throws -> Void)?
    private var token: OperationToken?

    init(
        loop: BaseEventLoop,
        descriptor: FileDescriptor,
        side: Readiness,
        callback: @escaping () throws -> Void
    ) {
        self.loop = loop
        self.descriptor = descriptor
        self.side = side
        self.callback = callback
    }

    func start() {
        let token = loop.backend.submit(.watch(descriptor, side), owner: self)
        self.token = token
        loop.descriptors.setWatch(token, descriptor, side)
    }

    /// Calls nobody any more. To be called once.
    func stop() {
        callback = nil
        loop.descriptors.releaseAfterWatch(descriptor, side)
        if let token { loop.backend.cancel(token) }
    }

    /// For a loop that closes: the operation is gone.
    func abandon() {
        callback = nil
    }

    override func operationCompleted(_ completion: Completion) {
        guard !completion.isFinal else { return ended(completion.errno ?? .canceled) }
        guard let callback else { return }
        guard loop.debug else { return loop.runCallback(callback) }
        let start = loop.time()
        loop.runCallback(callback)
        loop.reportIfSlow("a callback of descriptor \(descriptor.rawValue)", since: start)
    }

    /// The watch stays until it is removed, as asyncio's does, and calls nobody.
    private func ended(_ errno: Errno) {
        token = nil
        guard callback != nil else { return }
        // Closed behind the loop's back: epoll and the ring do not even notice.
        guard errno != .badFileDescriptor else {
            if loop.debug {
                loop.logger.warning("descriptor \(descriptor.rawValue) was closed while watched")
            }
            return
        }
        let error = DescriptorError(descriptor, errno)
        loop.callExceptionHandler(ExceptionContext(message: "watching a descriptor ended", error: error))
    }
}
