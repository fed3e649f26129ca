import Glibc
import SystemPackage

@testable import Proactor
@testable import ProactorTesting

/// The backend behind it, but for connects: they are made, and their completions are held back until a test lets them go. A
/// cancel comes too late for every one of them.
final class HeldConnects: ForwardingBackend {
    private var held: [(token: OperationToken, owner: CompletionOwner?)] = []
    private var due = 0
    private var number: UInt32 = 0
    private(set) var cancelCount = 0

    init(_ inner: any CompletionBackend) {
        super.init(inner, system: inner.system)
    }

    var heldCount: Int { held.count - due }
    override var operationCount: Int { super.operationCount + held.count }

    /// The oldest ones succeed, all of them within the next delivery.
    func letGo(_ count: Int) {
        precondition(count <= heldCount, "more than are held")
        due += count
    }

    @discardableResult
    override func submit(_ operation: IOOperation, owner: CompletionOwner?) -> OperationToken {
        guard case .connect(let socket, let address) = operation else {
            return super.submit(operation, owner: owner)
        }
        // KernelAddress begins with the address. On loopback it is over at once.
        let pointer = UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self)
        if connect(socket.rawValue, pointer, address.pointee.length) < 0 {
            var interest = pollfd(fd: socket.rawValue, events: Int16(POLLOUT), revents: 0)
            Glibc.poll(&interest, 1, 1000)
        }
        number += 1
        let token = OperationToken(kind: .connect, generation: number, slot: .max - 1)
        held.append((token, owner))
        return token
    }

    override func cancel(_ token: OperationToken) {
        guard held.contains(where: { $0.token == token }) else { return super.cancel(token) }
        cancelCount += 1
    }

    override func poll(timeoutNanoseconds: Int64) {
        super.poll(timeoutNanoseconds: due > 0 ? 0 : timeoutNanoseconds)
    }

    override func deliver() {
        let batch = held.prefix(due)
        held.removeFirst(due)
        due = 0
        for (token, owner) in batch {
            owner?.operationCompleted(Completion(token: token, result: 0, isFinal: true))
        }
        super.deliver()
    }
}
