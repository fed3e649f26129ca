import COpenSSL
import Proactor
import Glibc

/// A client's sessions, by server, for connections of all loops.
final class TLSSessions: Sendable {
    private struct Server {
        /// The newest last.
        var sessions: [OpenSSLSession] = []
        var lastUse = 0
    }

    private struct State {
        var servers: [TLSServerName: Server] = [:]
        var uses = 0

        mutating func nextUse() -> Int {
            uses += 1
            return uses
        }
    }

    private let serversMax: Int
    private let state = ThreadLock(State())

    /// Of TLS 1.3, where each is used once, as many connections at a time can resume.
    private static let sessionsMax = 4

    init(serversMax: Int) {
        self.serversMax = serversMax
    }

    var isEmpty: Bool { state.withLock { $0.servers.isEmpty } }
    var serverCount: Int { state.withLock { $0.servers.count } }

    /// Keeps a copy: the connection goes on with its own.
    func add(_ session: OpaquePointer, for name: TLSServerName) {
        guard serversMax > 0, cssl_session_is_resumable(session), let copy = cssl_session_copy(session) else {
            return
        }
        let added = OpenSSLSession(copy)
        // What is dropped is released behind the lock.
        let dropped = state.withLock { state -> [OpenSSLSession] in
            var server = state.servers[name] ?? Server()
            server.lastUse = state.nextUse()
            var dropped: [OpenSSLSession] = []
            // One that may be used again is worth as much as several.
            if !added.isSingleUse { (dropped, server.sessions) = (server.sessions, []) }
            server.sessions.append(added)
            if server.sessions.count > Self.sessionsMax { dropped.append(server.sessions.removeFirst()) }
            state.servers[name] = server
            if state.servers.count > serversMax,
                let oldest = state.servers.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                dropped += oldest.value.sessions
                state.servers[oldest.key] = nil
            }
            return dropped
        }
        _ = consume dropped
    }

    /// A session for one connection, if there is one.
    func take(for name: TLSServerName) -> OpenSSLSession? {
        guard serversMax > 0 else { return nil }
        let now = Int64(time(nil))
        return state.withLock { state -> OpenSSLSession? in
            guard var server = state.servers[name] else { return nil }
            server.lastUse = state.nextUse()
            server.sessions.removeAll { $0.end <= now }
            defer { state.servers[name] = server.sessions.isEmpty ? nil : server }
            guard let newest = server.sessions.last else { return nil }
            if newest.isSingleUse { return server.sessions.removeLast() }
            return newest.lend { cssl_session_copy($0) }.map(OpenSSLSession.init)
        }
    }

    func removeAll() {
        let former = state.withLock { state in
            let servers = state.servers
            state.servers = [:]
            return servers
        }
        _ = consume former
    }
}

/// A session as the library holds it. No connection has this very one while it is kept.
final class OpenSSLSession: OpenSSLObject, @unchecked Sendable {
    let pointer: OpaquePointer
    let isSingleUse: Bool
    /// In seconds since 1970.
    let end: Int64

    /// Takes over a reference.
    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        isSingleUse = cssl_session_is_single_use(pointer)
        end = cssl_session_end(pointer)
    }

    deinit {
        cssl_session_release(pointer)
    }
}
