import SystemPackage

/// What servers and datagram endpoints have in common at Unix addresses.
extension BaseEventLoop {
    func checkIsUnix(_ address: SocketAddress) throws(EventLoopError) {
        guard address.family != .unix else { return }
        throw .invalidArgument("\(address) is not a Unix socket's address")
    }

    /// Binds a socket of the caller's, and returns its file, which the caller has to let go of; `nil` when it has none. A file
    /// that a socket has left behind is replaced.
    ///
    /// - Parameter permissions: exactly what the file permits, from its first moment on.
    func bindUnix(
        _ socket: FileDescriptor,
        to address: SocketAddress,
        permissions: FilePermissions?
    ) throws(SocketError) -> SocketFile? {
        guard let place = try place(of: address) else {
            try bind(socket, to: address)
            return nil
        }
        let file: FileIdentity?
        do throws(SocketError) {
            try clear(place, of: address)
            if let permissions { try permit(permissions, before: socket, getsItsFileAt: address) }
            try bind(socket, to: address)
            file = try bound(socket, at: place, of: address, permissions)
        } catch {
            place.close()
            throw error
        }
        guard let file else {
            // Somebody was quick to take it away.
            place.close()
            return nil
        }
        return SocketFile(file, at: place)
    }

    /// How long an address that is taken is tried again.
    private static let patience = Duration.milliseconds(250)
    /// How long it is left alone in between.
    private static let restDuration = Duration.milliseconds(2)

    /// As ``bindUnix(_:to:permissions:)``, for a socket that is unclaimed, with patience for an address that is on its way to be
    /// free: what this loop has closed in this turn lets go of it when the turn ends, and a server that was killed when the
    /// kernel has taken its ring apart.
    nonisolated(nonsending) func bindUnixPatiently(
        _ socket: FileDescriptor,
        to address: SocketAddress,
        permissions: FilePermissions?
    ) async throws -> SocketFile? {
        let deadline = time().advanced(by: Self.patience)
        var rest = Duration.zero
        while true {
            do throws(SocketError) {
                return try bindUnix(socket, to: address, permissions: permissions)
            } catch {
                guard error.errno == .addressInUse, mayGetFree(address), time() < deadline else {
                    throw error
                }
            }
            let end = createFuture()
            let timer = timers.insert(
                .callback { if end.isPending { end.succeed(()) } },
                at: time().advanced(by: rest)
            )
            defer { timer.cancel() }
            try await end.value()
            rest = Self.restDuration
        }
    }

    /// Whether it is a socket that has the address: another file stays what it is.
    private func mayGetFree(_ address: SocketAddress) -> Bool {
        guard let place = try? place(of: address) else { return address.pathBytes == nil }
        defer { place.close() }
        return (try? place.identity())?.isSocket != false
    }

    /// The file of a socket that came bound; `nil` when it has none, or another has replaced it.
    func socketFile(of socket: FileDescriptor) throws(SocketError) -> SocketFile? {
        guard let address = try? system.localAddress(of: socket), let place = try place(of: address)
        else { return nil }
        guard let file = try? place.file(of: socket) else {
            place.close()
            return nil
        }
        return SocketFile(file, at: place)
    }

    /// `nil` for an address that is no file's, and where there is no folder for it.
    private func place(of address: SocketAddress) throws(SocketError) -> SocketPlace? {
        guard let path = address.pathBytes else { return nil }
        do { return try SocketPlace(path, by: system) } catch {
            throw SocketError(.inspect, error, address: address)
        }
    }

    /// A file that a socket left behind would make every later bind fail. Anything else is not ours to remove, and a socket
    /// that is open serves somebody.
    private func clear(_ place: SocketPlace, of address: SocketAddress) throws(SocketError) {
        do throws(Errno) {
            guard let found = try place.identity(), found.isSocket else { return }
            guard try !system.unixSockets.isAlive(at: address) || isBeingClosed(address) else {
                throw Errno.addressInUse
            }
            try place.remove(found)
        } catch .noSuchFileOrDirectory {
            return
        } catch .addressInUse {
            throw SocketError(.bind, .addressInUse, address: address)
        } catch {
            throw SocketError(.inspect, error, address: address)
        }
    }

    /// Whether what is open there is this loop's own, was closed by the program, and only waits for its operations to end.
    private func isBeingClosed(_ address: SocketAddress) -> Bool {
        openListeners.members.contains { $0.isClosing(at: address) }
            || openTransports.members.contains { transport in
                guard let endpoint = transport as? DatagramSocketTransport, endpoint.phase != .open else {
                    return false
                }
                return (try? system.localAddress(of: endpoint.descriptor)) == address
            }
    }

    /// The process's mask may take some of it away, and never adds to it.
    private func permit(
        _ permissions: FilePermissions,
        before socket: FileDescriptor,
        getsItsFileAt address: SocketAddress
    ) throws(SocketError) {
        do { try system.unixSockets.setPermissions(permissions, ofUnbound: socket) } catch {
            throw SocketError(.setPermissions, error, address: address)
        }
    }

    /// Which file a socket has just got, with what the process's mask has taken from its permissions put back.
    private func bound(
        _ socket: FileDescriptor,
        at place: SocketPlace,
        of address: SocketAddress,
        _ permissions: FilePermissions?
    ) throws(SocketError) -> FileIdentity? {
        guard let file = try? place.file(of: socket) else { return nil }
        guard let permissions else { return file }
        do { try place.setPermissions(permissions, of: file) } catch {
            try? place.remove(file)
            throw SocketError(.setPermissions, error, address: address)
        }
        return file
    }
}
