extension SelectorBackend {
    /// Frees what a closed backend is never asked for again. A simulation calls it: there tasks that never go on keep the backend.
    package func freeMemory() {
        precondition(isClosed, "a selector's memory was freed before it was closed")
        guard !isFreed else { return }
        isFreed = true
        // A thread's call may still come to its end.
        if table.count == 0 { table.shrink() }
        receiveBuffer.deallocate()
        controlRoom.deallocate()
        found.deallocate()
        acceptedAddress.deallocate()
    }
}
