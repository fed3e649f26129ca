import CPosix

/// Where an operation puts what it finds out.
final class FileStatusMemory {
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: Int(CPOSIX_STATUS_SIZE), alignment: 16)

    init() {
        pointer.initializeMemory(as: UInt8.self, repeating: 0, count: Int(CPOSIX_STATUS_SIZE))
    }

    deinit {
        // The operation keeps this object until its final completion, so the kernel is done with the memory.
        pointer.deallocate()
    }

    /// After the operation has succeeded.
    func read() -> FileStatus {
        var raw = cposix_file_status()
        cposix_read_status(pointer, &raw)
        return FileStatus(raw)
    }
}
