import Glibc
import Proactor
import SystemPackage

/// ``DirectCalls`` of a simulated process.
///
/// `@unchecked Sendable`: the simulation's thread alone uses it.
final class SimulatedDirectCalls: DirectCalls, @unchecked Sendable {
    private let process: SimulatedProcess

    init(process: SimulatedProcess) {
        self.process = process
    }

    func read(_ descriptor: FileDescriptor, into room: UnsafeMutableRawBufferPointer, isSocket: Bool) -> Int {
        process.file(descriptor)?.read(into: room) ?? -Int(EBADF)
    }

    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor, isSocket: Bool) -> Int {
        process.file(descriptor)?.write(bytes) ?? -Int(EBADF)
    }

    func accept(_ listener: FileDescriptor) throws(Errno) -> (socket: FileDescriptor, peer: SocketAddress?)? {
        switch process.accept(listener) {
        case .success(let accepted): return (accepted.descriptor, accepted.socket.remote)
        case .failure(let failure):
            if failure.errno == EAGAIN { return nil }
            throw Errno(rawValue: failure.errno)
        }
    }

    func connect(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) -> Bool {
        switch process.connect(socket, to: address) {
        case 0, EISCONN: return true
        case EINPROGRESS, EALREADY: return false
        case let error: throw Errno(rawValue: error)
        }
    }

    func copy(_ descriptor: FileDescriptor) throws(Errno) -> FileDescriptor {
        guard let file = process.file(descriptor) else { throw .badFileDescriptor }
        file.retain()
        return try process.open(file)
    }

    func takeError(of socket: FileDescriptor) throws(Errno) {
        guard let file = process.file(socket) else { throw .badFileDescriptor }
        let error = SocketErrors.take(of: file)
        if error != 0 { throw Errno(rawValue: error) }
    }
}
