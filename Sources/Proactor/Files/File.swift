import CPosix
import Glibc
import SystemPackage

/// An open file, read and written without holding up the loop.
///
/// On a ring each call is an operation of the kernel's; on a selector it is made on the loop's default executor, for no
/// selector can wait for a disk. What has to be waited for instead, such as a FIFO or a terminal, takes no thread on any loop, has no
/// offsets, and is read and written by one task at a time. Either way the bytes go straight to or from the memory that you lend: nothing is copied.
///
/// Every call says at which offset it works, so any number of them may be under way at once. How far a file was sent is kept
/// in ``position``. Cancelling a task cancels its operation, and the call returns when the kernel is done with the memory:
/// with what was done, or with `CancellationError` when that was nothing.
///
/// Thread rule: the loop's thread only. The file belongs to one loop. Close it: a file that is released open is closed then,
/// with a warning in debug mode.
///
/// ```swift
/// let file = try await File.open("/tmp/journal", .readWrite, options: [.create], on: loop)
/// try await file.write("first line\n", at: 0)
/// try await file.synchronize()
/// let text = try await file.read(count: 100, at: 0)
/// try await file.close()
/// ```
public final class File {
    /// Where it was opened; `nil` when it was made of a descriptor that came without a path.
    public let path: FilePath?
    /// Where ``NetworkEventLoop/sendFile(_:_:offset:count:fallback:)`` has got to, in bytes from the file's beginning:
    /// updated also when it fails. Reading and writing neither use nor move it.
    public var position: Int64 = 0

    let loop: BaseEventLoop
    private let hold: FileHold
    private var isOpen = true
    private var operationsInFlight = 0
    /// Done with the operations in flight, when the file is to be closed then.
    private var lastOperation: Future<Void>?

    private var descriptor: FileDescriptor { hold.descriptor }

    /// Takes over a descriptor that is open already, and closes it in the end. On the loop's thread only.
    ///
    /// Several files of a loop may stand for one descriptor, such as standard input that is used in two places: they take turns
    /// where reading has to wait, and the last one to be closed closes the descriptor. Once a transport has the descriptor it is
    /// the transport's, and every call of the file throws.
    ///
    /// - Parameters:
    ///   - descriptor: the file's from here on.
    ///   - path: for messages.
    ///   - loop: one of this library's loops.
    public init(descriptor: FileDescriptor, path: FilePath? = nil, on loop: any AbstractEventLoop) {
        guard let loop = loop as? BaseEventLoop else {
            // Not a precondition: those lose their message in a release build.
            fatalError("File needs one of this library's event loops, not a \(type(of: loop))")
        }
        loop.checkThread("File.init")
        hold = loop.fileHolds.join(descriptor)
        // Whoever has closed it past the library may have another file there by now.
        hold.nature = nil
        if loop.descriptors.hasOwner(descriptor) { loop.takeFromFiles(descriptor) }
        self.path = path
        self.loop = loop
    }

    /// For one that was just opened.
    init(opened descriptor: FileDescriptor, _ nature: FileNature, path: FilePath, on loop: BaseEventLoop) {
        hold = loop.fileHolds.add(descriptor)
        hold.nature = nature
        self.path = path
        self.loop = loop
    }

    deinit {
        // An operation in flight keeps its file, so there is none. The file may be let go of on any thread.
        guard isOpen else { return }
        if hold.leave() { loop.system.closeElsewhere(descriptor) }
        guard loop.isOnLoopThread, loop.debug else { return }
        loop.logger.warning("\(self) was never closed; call close() when it is no longer needed")
    }

    // MARK: - Opening

    /// Opens a file.
    ///
    /// What open(2) waits for is waited for on every loop: a FIFO's other end, or another process that has a lease on the file. The
    /// wait takes no thread, notices its end within 100 ms, and is over when the task is cancelled. With `.nonBlocking` nothing is
    /// waited for, and what is so opened is read and written by waiting all the same. A device is opened without waiting, for a
    /// carrier or a medium for instance.
    ///
    /// - Parameters:
    ///   - path: which one; a relative path starts at the process's working directory.
    ///   - mode: whether to read, to write, or both.
    ///   - options: such as `.create`, `.truncate`, `.append`. With `.append` every write goes to the end of the file, whatever
    ///     offset it names. The descriptor is always close-on-exec.
    ///   - permissions: those of a file that is made, less the process's mask.
    ///   - direct: read and write past the page cache (`O_DIRECT`). Memory, offsets and counts have to be aligned then: see
    ///     ``FileStatus`` and ``OwnedBuffer/init(capacity:alignment:)``. Not every file system knows it: it throws EINVAL
    ///     where it is unknown.
    ///   - regularOnly: refuse what is no regular file, such as a FIFO, a device or a directory: for paths that come from
    ///     strangers. It throws ENOTSUP then, and the file that is read is the one that was looked at.
    ///   - loop: the loop that the file belongs to.
    /// - Throws: ``FileError``, `CancellationError`, ``EventLoopError/closed``.
    nonisolated(nonsending) public static func open(
        _ path: FilePath,
        _ mode: FileDescriptor.AccessMode = .readOnly,
        options: FileDescriptor.OpenOptions = [],
        permissions: FilePermissions = [.ownerReadWrite, .groupReadWrite, .otherReadWrite],
        direct: Bool = false,
        regularOnly: Bool = false,
        on loop: any AbstractEventLoop
    ) async throws -> File {
        guard let loop = loop as? BaseEventLoop else {
            fatalError("File needs one of this library's event loops, not a \(type(of: loop))")
        }
        try loop.checkMayBegin("File.open")
        let flags = mode.rawValue | options.rawValue | (direct ? cposix_direct_flag() : 0)
        let opening = FileOpening(path, flags: flags, permissions, regularOnly: regularOnly, on: loop)
        return try await opening.open()
    }

    /// Opens a file, lends it to `body`, and closes it when that is done, or has thrown.
    ///
    /// The parameters are those of ``open(_:_:options:permissions:direct:regularOnly:on:)``.
    ///
    /// - Throws: what `body` throws, else as opening and closing do.
    @discardableResult
    nonisolated(nonsending) public static func withFile<Result>(
        _ path: FilePath,
        _ mode: FileDescriptor.AccessMode = .readOnly,
        options: FileDescriptor.OpenOptions = [],
        permissions: FilePermissions = [.ownerReadWrite, .groupReadWrite, .otherReadWrite],
        direct: Bool = false,
        regularOnly: Bool = false,
        on loop: any AbstractEventLoop,
        _ body: nonisolated(nonsending) (File) async throws -> Result
    ) async throws -> Result {
        let file = try await open(
            path,
            mode,
            options: options,
            permissions: permissions,
            direct: direct,
            regularOnly: regularOnly,
            on: loop
        )
        let result: Result
        do {
            result = try await body(file)
        } catch {
            // The first mistake is the one to tell.
            try? await file.close()
            throw error
        }
        try await file.close()
        return result
    }

    // MARK: - Closing

    /// Whether ``close()`` was called.
    public var isClosed: Bool { !isOpen }

    /// Closes the file, when the operations in flight on it are over; new ones are refused from here on. Twice is harmless.
    /// It happens also in a task that is cancelled.
    ///
    /// An operation that may never end, such as the read of a pipe, has to be cancelled first, by cancelling its task. A
    /// descriptor that other files stand for, or that a transport has taken since, stays open.
    ///
    /// - Throws: ``FileError``: the file is closed all the same, but what was written to it may be lost;
    ///   ``EventLoopError/closed``.
    nonisolated(nonsending) public func close() async throws {
        try loop.checkUsable("File.close")
        guard isOpen else { return }
        isOpen = false
        if operationsInFlight > 0 {
            let lastOperation = loop.createFuture()
            self.lastOperation = lastOperation
            await lastOperation.untilDoneRegardless()
        }
        guard hold.leave() else { return }
        loop.fileHolds.remove(hold)
        // Readers and writers that are still set on it end here.
        loop.endUses(of: descriptor)
        let result = await AwaitedOperation.performToTheEnd(.closeFile(descriptor), on: loop)
        if result < 0 { throw FileError(.close, Errno(rawValue: -result), path: path) }
    }

    // MARK: - Inside

    /// The descriptor for an operation, and the promise to call ``endOperation()`` after it.
    func beginOperation(_ operation: FileError.Operation) throws -> FileDescriptor {
        try loop.checkMayBegin("a call of a File")
        guard isOpen else { throw FileError(operation, .badFileDescriptor, path: path) }
        guard !hold.isLost else { throw FileError(operation, .badFileDescriptor, path: path) }
        // A loop that closes leaves the task suspended for good, and the file with it: then the loop closes the descriptor.
        if hold.operationCount == 0 { loop.unclaimed.insert(descriptor) }
        hold.operationCount += 1
        operationsInFlight += 1
        return descriptor
    }

    func endOperation() {
        precondition(operationsInFlight > 0, "a file's operation ended twice")
        operationsInFlight -= 1
        hold.operationCount -= 1
        // Lost means that somebody else closes it: the loop that was closed, or a transport.
        if hold.operationCount == 0, !hold.isLost { loop.unclaimed.remove(descriptor) }
        guard operationsInFlight == 0 else { return }
        if loop.isClosed { isOpen = false }
        lastOperation.take()?.succeed(())
    }

    /// What can be expected of it. Between ``beginOperation(_:)`` and ``endOperation()``.
    func nature(for operation: FileError.Operation) throws -> FileNature {
        if let nature = hold.nature { return nature }
        do throws(Errno) {
            let nature = try loop.system.processes.nature(of: descriptor)
            hold.nature = nature
            return nature
        } catch {
            throw FileError(operation, error, path: path)
        }
    }

    /// Takes one side of what has to be waited for: whoever else of the loop uses it comes first. To be released by
    /// ``DescriptorUses/releaseAfterCall(_:_:)``.
    nonisolated(nonsending) func takeSide(_ side: Readiness) async throws {
        if try !loop.descriptors.takeForCall(descriptor, side) {
            try await loop.waitForTurn(side, of: descriptor)
        }
    }
}

extension File: CustomStringConvertible {
    public var description: String {
        let name = path.map { "file \($0)" } ?? "a file"
        return "\(name) (\(isOpen ? "descriptor \(descriptor.rawValue)" : "closed"))"
    }
}

@available(*, unavailable)
extension File: Sendable {}

/// A path as the kernel wants it, at a fixed place, while an operation is in flight.
final class PathMemory {
    let pointer: UnsafePointer<CChar>
    private let memory: UnsafeMutablePointer<CChar>

    init(_ path: FilePath) {
        memory = path.withPlatformString { source in
            let length = strlen(source) + 1
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: length)
            copy.initialize(from: source, count: length)
            return copy
        }
        pointer = UnsafePointer(memory)
    }

    deinit {
        // The operation keeps this object until its final completion, so the kernel is done with the memory.
        memory.deallocate()
    }
}
