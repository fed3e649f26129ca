import CPosix
import Glibc
import SystemPackage

/// The calls on files that a selector's operations come down to, made on an executor's threads: each may block. Each says
/// what the kernel said: zero or more, else minus errno.
///
/// A class so that tests can put faults in. `@unchecked Sendable`: it has no state.
class FileCalls: @unchecked Sendable {
    init() {}

    func open(_ path: UnsafePointer<CChar>, _ flags: Int32, _ mode: UInt32) -> Int32 {
        result { Glibc.open(path, flags | O_CLOEXEC, mode_t(mode)) }
    }

    func read(_ file: Int32, _ target: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int32 {
        let count = min(target.count, Self.countMax)
        let status = result { pread(file, target.baseAddress, count, off_t(offset)) }
        // What has no position, such as a pipe, is read from where it is, and waited for, as a ring does it.
        guard status == -ESPIPE else { return status }
        return result(waitingFor: POLLIN, of: file) { Glibc.read(file, target.baseAddress, count) }
    }

    func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int32 {
        let count = min(bytes.count, Self.countMax)
        let status = result { pwrite(file, bytes.baseAddress, count, off_t(offset)) }
        guard status == -ESPIPE else { return status }
        return result(waitingFor: POLLOUT, of: file) { Glibc.write(file, bytes.baseAddress, count) }
    }

    func synchronize(_ file: Int32, dataOnly: Bool) -> Int32 {
        result { dataOnly ? fdatasync(file) : fsync(file) }
    }

    func status(_ file: Int32, _ memory: UnsafeMutableRawPointer) -> Int32 {
        cposix_statx(file, memory)
    }

    func close(_ descriptor: Int32) -> Int32 {
        cposix_close(descriptor)
    }

    /// Runs a close that may take its time on a thread of its own.
    func startClosing(_ work: @escaping @Sendable () -> Void) throws(Errno) {
        try SystemThread.start(name: "proactor-close", work)
    }

    /// What one call of Linux transfers at the most.
    private static let countMax = 0x7fff_f000

    private func result<Value: BinaryInteger>(_ call: () -> Value) -> Int32 {
        while true {
            let value = call()
            if value >= 0 { return Int32(value) }
            if errno != EINTR { return -errno }
        }
    }

    /// For a descriptor that somebody has made non-blocking.
    private func result(waitingFor events: Int32, of file: Int32, _ call: () -> Int) -> Int32 {
        while true {
            let status = result(call)
            guard status == -EAGAIN else { return status }
            var interest = pollfd(fd: file, events: Int16(events), revents: 0)
            // However it ends, the call tells what it comes to.
            _ = poll(&interest, 1, -1)
        }
    }
}

extension FileCalls {
    /// Makes an operation's call.
    func perform(_ operation: IOOperation) -> Int32 {
        switch operation {
        case .openFile(let path, let flags, let mode): open(path, flags, mode)
        case .readFile(let file, let target, let offset): read(file.rawValue, target, at: offset)
        case .writeFile(let file, let bytes, let offset): write(file.rawValue, bytes, at: offset)
        case .synchronizeFile(let file, let dataOnly): synchronize(file.rawValue, dataOnly: dataOnly)
        case .fileStatus(let file, let memory): status(file.rawValue, memory)
        case .closeFile(let file): close(file.rawValue)
        default: preconditionFailure("not an operation for a thread")
        }
    }
}
