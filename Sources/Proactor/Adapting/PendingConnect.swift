import SystemPackage

/// A connect that is under way.
package struct PendingConnect {
    let operation: ConnectOperation

    /// Gives it up: nobody is told of its end, and the socket is closed when it is over.
    package func giveUp() { operation.giveUp() }
}

/// A connect whose end is told by a callback.
final class ConnectOperation: CompletionOwner {
    private let loop: BaseEventLoop
    private let socket: FileDescriptor
    private let address: SocketAddress
    /// `nil` once it is over or was given up.
    private var whenOver: ((SocketError?) -> Void)?
    private var memory: AddressMemory?
    private var token: OperationToken?

    init(
        loop: BaseEventLoop,
        socket: FileDescriptor,
        address: SocketAddress,
        whenOver: @escaping (SocketError?) -> Void
    ) {
        self.loop = loop
        self.socket = socket
        self.address = address
        self.whenOver = whenOver
    }

    func begin(_ form: KernelAddress) {
        // A loop that closes meanwhile closes the socket.
        loop.unclaimed.insert(socket)
        let memory = AddressMemory(form)
        self.memory = memory
        // The operation keeps this object, and so the memory, until its final completion.
        token = loop.backend.submit(.connect(socket, memory.pointer), owner: self)
    }

    func giveUp() {
        guard whenOver != nil, let token else { return }
        whenOver = nil
        guard !loop.isClosed else { return }
        loop.backend.cancel(token)
    }

    override func operationCompleted(_ completion: Completion) {
        guard completion.isFinal else { return }
        token = nil
        guard let tell = whenOver.take() else { return loop.closeUnclaimed(socket) }
        loop.unclaimed.remove(socket)
        tell(completion.errno.map { SocketError(.connect, $0, address: address) })
    }
}
