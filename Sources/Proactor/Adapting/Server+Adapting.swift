/// What another library of this package asks of a server.
extension Server {
    /// Whether it is closed and an accept still holds a socket of it: then its address is not free yet.
    package var isLettingGo: Bool { hasClosingListeners }

    /// Calls `body` in a later turn, when it is closed and has let go of its sockets.
    package func whenLetGo(_ body: @escaping () -> Void) {
        whenDrained(body)
    }
}
