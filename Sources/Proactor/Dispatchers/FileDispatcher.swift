import SystemPackage

/// A ``Dispatcher`` of a pipe, a terminal or whatever else can be waited for: asyncore's `file_dispatcher`. ``Dispatcher/recv(_:)``
/// reads and ``Dispatcher/send(_:)`` writes.
///
/// It works on a copy of the descriptor, as asyncore's `file_wrapper`: the caller may close its own. In new programs use
/// ``ProcessEventLoop/connectReadPipe(_:protocolFactory:)``.
///
/// ```swift
/// final class Input: FileDispatcher {
///     override func writable() -> Bool { false }
///     override func handleRead() throws { print(String(decoding: try recv(4096), as: UTF8.self)) }
/// }
///
/// let input = try Input(.standardInput, map: map)
/// ```
open class FileDispatcher: Dispatcher {
    private var file: AdoptedPipe?
    private var isSocket = false

    /// A channel of a copy of `descriptor`.
    ///
    /// - Throws: ``DescriptorError`` when it cannot be copied, or has no readiness, such as a regular file.
    public init(_ descriptor: FileDescriptor, map: DispatcherMap) throws {
        super.init(map: map)
        do {
            try system.checkCanBeWatched(descriptor)
            let copy = try system.direct.copy(descriptor)
            do {
                let file = try system.processes.adoptPipe(copy)
                self.file = file
                isSocket = [.socket, .messageSocket].contains(try system.processes.inspect(copy).kind)
                adopt(file.used, isConnected: true)
            } catch {
                try? system.close(copy)
                throw error
            }
        } catch let errno as Errno {
            throw DescriptorError(descriptor, errno)
        }
    }

    override func move(_ bytes: UnsafeRawBufferPointer, to descriptor: FileDescriptor) -> Int {
        system.direct.write(bytes, to: descriptor, isSocket: isSocket)
    }

    override func move(from descriptor: FileDescriptor, into room: UnsafeMutableRawBufferPointer) -> Int {
        system.direct.read(descriptor, into: room, isSocket: isSocket)
    }

    override func release(_ descriptor: FileDescriptor) {
        super.release(descriptor)
        guard let file = file.take() else { return }
        // Non-blocking is the open file's, and others may share that.
        if file.wasBlocking { try? system.processes.setNonBlocking(file.given, false) }
        if file.hasOwnFile { try? system.close(file.given) }
    }
}
