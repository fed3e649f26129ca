import Glibc

/// Connecting, and what no selector can wait for: room in the backlog of a Unix socket's listener.
extension SelectorBackend {
    /// Starts a connect, or tries one again.
    func connect(_ socket: Int32, _ address: UnsafeMutablePointer<KernelAddress>, _ token: OperationToken) {
        let result = calls.connect(socket, address)
        switch -result {
        case EINPROGRESS, EALREADY, EINTR:
            // An interrupted connect goes on by itself: another call would only say EALREADY.
            wait(socket, .write, token)
        case EAGAIN where address.pointee.storage.ss_family == sa_family_t(AF_UNIX):
            connectRetries.append(token)
        default:
            complete(token, result)
        }
    }

    /// A connect's socket is ready, or has an error. What is in its error queue says nothing of the connect, which may be under
    /// way still: the call that began it knows.
    func concludeConnect(
        _ socket: Int32,
        _ address: UnsafeMutablePointer<KernelAddress>,
        _ token: OperationToken
    ) {
        let failure = calls.takePendingError(socket)
        guard failure == 0, !calls.hasPeer(socket) else { return finish(token, failure) }
        let result = calls.connect(socket, address)
        switch -result {
        case EINPROGRESS, EALREADY, EINTR: triedInVain(token)
        case EISCONN: finish(token, 0)
        default: finish(token, result)
        }
    }

    /// Tries the connects again that found a full backlog.
    func retryConnects() {
        // Those that find it full again join the list behind.
        let count = connectRetries.count
        for index in 0..<count { retryConnect(connectRetries[index]) }
        connectRetries.removeFirst(count)
    }

    private func retryConnect(_ token: OperationToken) {
        guard let record = table.find(token),
            case .connect(let socket, let address) = record.pointee.operation
        else {
            preconditionFailure("only a connect under way is tried again")
        }
        connect(socket.rawValue, address, token)
    }
}
