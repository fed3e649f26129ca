#if Hummingbird
    /// Where and how a ``ProactorHTTPServer`` listens.
    ///
    /// ```swift
    /// let configuration = ProactorServerConfiguration(address: .hostname("0.0.0.0", port: 8080), serverName: "greeter")
    /// ```
    public struct ProactorServerConfiguration: Sendable {
        /// What a server binds to.
        public enum Address: Hashable, Sendable {
            /// A host, by name or address, of which the first address counts, and a port; 0 lets the kernel choose one, for all loops.
            case hostname(_ host: String = "127.0.0.1", port: Int = 8080)
            /// A Unix socket's path. A socket's file that stands there is removed.
            case unixDomainSocket(path: String)
        }

        /// What to bind to.
        public var address: Address
        /// What answers say in their `Server` header; `nil` leaves it out.
        public var serverName: String?
        /// How many connections the kernel may hold that no loop has accepted yet, for each listener.
        public var backlog: Int
        /// Bind although former connections still linger at the address.
        public var reuseAddress: Bool
        /// Listen once for each loop of the group at the same port, and let the kernel spread the connections (`SO_REUSEPORT`). Without,
        /// and at a Unix socket, one loop listens and hands connections to the loops in turn.
        public var listensOnEachLoop: Bool

        /// A configuration with the usual values.
        public init(
            address: Address = .hostname(),
            serverName: String? = nil,
            backlog: Int = 256,
            reuseAddress: Bool = true,
            listensOnEachLoop: Bool = true
        ) {
            self.address = address
            self.serverName = serverName
            self.backlog = backlog
            self.reuseAddress = reuseAddress
            self.listensOnEachLoop = listensOnEachLoop
        }
    }
#endif
