import SystemPackage

/// A ``FileTransfer`` at a fixed place, for an operation to work on.
final class FileTransferMemory {
    let pointer: UnsafeMutablePointer<FileTransfer>

    init(_ transfer: FileTransfer) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: transfer)
    }

    deinit {
        // The operation keeps this object until its final completion, so the backend is done with the memory.
        pointer.deinitialize(count: 1)
        pointer.deallocate()
    }
}
