import CPosix
import Glibc
import SystemPackage

/// One opening of a file.
///
/// No thread waits for it: the kernel is never asked to wait, but asked again. An open(2) that waits for the other end of a FIFO,
/// or for another process to give up a lease, may do so for ever, and nothing but its end tells when it would succeed. So
/// waiting costs a timer, and any number of openings can wait.
struct FileOpening {
    private let path: FilePath
    private let memory: PathMemory
    private let flags: Int32
    private let permissions: FilePermissions
    private let regularOnly: Bool
    private let loop: BaseEventLoop

    private static let firstPause = Duration.milliseconds(1)
    private static let longestPause = Duration.milliseconds(100)

    init(
        _ path: FilePath,
        flags: Int32,
        _ permissions: FilePermissions,
        regularOnly: Bool,
        on loop: BaseEventLoop
    ) {
        self.path = path
        memory = PathMemory(path)
        self.flags = flags
        self.permissions = permissions
        self.regularOnly = regularOnly
        self.loop = loop
    }

    private var calls: any ProcessCalls { loop.system.processes }
    private var access: Int32 { flags & O_ACCMODE }
    /// Whether the caller would have it wait.
    private var waits: Bool { flags & (O_NONBLOCK | cposix_path_flag()) == 0 }

    nonisolated(nonsending) func open() async throws -> File {
        if regularOnly { try await refuseWhatIsNotRegular() }
        var pause = Self.firstPause
        while true {
            let result = try await attempt(flags | O_NONBLOCK)
            if result >= 0 { return try await takeOver(FileDescriptor(rawValue: result)) }
            guard try await canBeWaitedFor(result) else {
                throw FileError(.open, Errno(rawValue: -result), path: path)
            }
            try await rest(&pause)
        }
    }

    nonisolated(nonsending) private func attempt(_ flags: Int32) async throws -> Int32 {
        try await AwaitedOperation.perform(
            .openFile(memory.pointer, flags: flags, mode: UInt32(permissions.rawValue)),
            keeping: memory,
            on: loop
        )
    }

    nonisolated(nonsending) private func takeOver(_ descriptor: FileDescriptor) async throws -> File {
        // A file that still names the number was closed past the library.
        loop.takeFromFiles(descriptor)
        do {
            let nature: FileNature
            do throws(Errno) { nature = try calls.nature(of: descriptor) } catch {
                throw FileError(.open, error, path: path)
            }
            if regularOnly { try await refuse(nature, descriptor) }
            if waits {
                if nature.contains(.fifo), access == O_RDONLY { try await waitForWriter(of: descriptor) }
                // What is read by readiness stays as it is: the open file is nobody else's.
                if !nature.contains(.stream) { try? calls.setNonBlocking(descriptor, false) }
            }
            // Opened or not, who cancelled does not want it.
            try checkCancellation()
            return File(opened: descriptor, nature, path: path, on: loop)
        } catch {
            _ = await AwaitedOperation.performToTheEnd(.close(descriptor), on: loop)
            throw error
        }
    }

    // MARK: - Waiting

    nonisolated(nonsending) private func rest(_ pause: inout Duration) async throws {
        let isOver = loop.createFuture()
        // Not by callLater, which would carry the calling task's context along.
        let due = loop.time().advanced(by: pause)
        let timer = loop.timers.insert(.callback { if isOver.isPending { isOver.succeed(()) } }, at: due)
        defer { timer.cancel() }
        pause = min(pause * 2, Self.longestPause)
        try await isOver.value()
    }

    /// Whether an open that failed would have waited, had it been allowed to.
    nonisolated(nonsending) private func canBeWaitedFor(_ result: Int32) async throws -> Bool {
        guard waits else { return false }
        switch -result {
        case EAGAIN:
            // Another process has a lease on the file, and was asked to give it up.
            return true
        case ENXIO where access == O_WRONLY:
            // A FIFO without a reader; or a socket's file, or a device without a driver.
            return try await natureByPath()?.contains(.fifo) == true
        default:
            return false
        }
    }

    /// A writer that comes and writes nothing makes no event, so it is looked for.
    nonisolated(nonsending) private func waitForWriter(of fifo: FileDescriptor) async throws {
        // The task may never go on.
        loop.unclaimed.insert(fifo)
        defer { loop.unclaimed.remove(fifo) }
        var pause = Self.firstPause
        // Without a descriptor to spare for the question, it is asked again.
        while (try? calls.hasWriter(fifo)) != true { try await rest(&pause) }
    }

    // MARK: - Regular files only

    /// Before it is opened, for opening alone may do something: a FIFO's other end goes on, a device begins to work.
    nonisolated(nonsending) private func refuseWhatIsNotRegular() async throws {
        guard let nature = try await natureByPath(), !nature.contains(.link) else { return }
        try await refuse(nature, nil)
    }

    /// What stands at the path; `nil` when that cannot be told, which opening it will explain.
    nonisolated(nonsending) private func natureByPath() async throws -> FileNature? {
        let following = flags & FileDescriptor.OpenOptions.noFollow.rawValue
        let result = try await attempt(cposix_path_flag() | following)
        guard result >= 0 else { return nil }
        let descriptor = FileDescriptor(rawValue: result)
        defer { try? loop.system.close(descriptor) }
        return try? calls.nature(of: descriptor)
    }

    nonisolated(nonsending) private func refuse(_ nature: FileNature, _ descriptor: FileDescriptor?)
        async throws
    {
        guard !nature.contains(.regular) else { return }
        throw FileError(.open, .notSupported, path: path)
    }
}
