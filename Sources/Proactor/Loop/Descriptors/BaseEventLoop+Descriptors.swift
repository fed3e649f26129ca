import SystemPackage

extension BaseEventLoop {
    public func addReader(_ descriptor: FileDescriptor, _ callback: @escaping () throws -> Void) throws {
        try checkUsable("addReader")
        try addWatch(descriptor, .read, callback)
    }

    @discardableResult
    public func removeReader(_ descriptor: FileDescriptor) throws -> Bool {
        checkThread("removeReader")
        try descriptors.checkHasNoOwner(descriptor)
        return removeWatch(descriptor, .read)
    }

    public func addWriter(_ descriptor: FileDescriptor, _ callback: @escaping () throws -> Void) throws {
        try checkUsable("addWriter")
        try addWatch(descriptor, .write, callback)
    }

    @discardableResult
    public func removeWriter(_ descriptor: FileDescriptor) throws -> Bool {
        checkThread("removeWriter")
        try descriptors.checkHasNoOwner(descriptor)
        return removeWatch(descriptor, .write)
    }

    private func addWatch(
        _ descriptor: FileDescriptor,
        _ side: Readiness,
        _ callback: @escaping () throws -> Void
    ) throws {
        guard descriptor.rawValue >= 0 else { throw DescriptorError(descriptor, .badFileDescriptor) }
        try descriptors.checkCanWatch(descriptor, side)
        // Asked beforehand, so that every loop refuses the same: only epoll would do so by itself.
        do { try system.checkCanBeWatched(descriptor) } catch {
            throw DescriptorError(descriptor, error)
        }
        // Always a new operation: the number may be another file's than it was.
        removeWatch(descriptor, side)
        let watch = DescriptorWatch(loop: self, descriptor: descriptor, side: side, callback: callback)
        watches.insert(watch)
        watch.start()
    }

    @discardableResult
    private func removeWatch(_ descriptor: FileDescriptor, _ side: Readiness) -> Bool {
        guard let watch = watches.remove(descriptor, side) else { return false }
        watch.stop()
        return true
    }

    // MARK: - Owners

    /// A transport or a server has the descriptor from here on. Calls and watches that still name it are of a descriptor
    /// that was closed under them: they end, so that nothing of theirs meets the new one.
    func own(_ descriptor: FileDescriptor) {
        takeFromFiles(descriptor)
        guard descriptors.own(descriptor) else { return }
        endUses(of: descriptor)
    }

    /// Files that have the descriptor have lost it.
    @inline(__always)
    func takeFromFiles(_ descriptor: FileDescriptor) {
        if fileHolds.lose(descriptor) { unclaimed.remove(descriptor) }
    }

    /// Ends the calls and watches on a descriptor.
    func endUses(of descriptor: FileDescriptor) {
        guard descriptors.covers(descriptor) else { return }
        for side in [Readiness.read, .write] {
            if removeWatch(descriptor, side) { continue }
            if let operation = descriptors.use(of: descriptor, side).operation { backend.cancel(operation) }
        }
    }

    func disown(_ descriptor: FileDescriptor) {
        descriptors.disown(descriptor)
    }
}
