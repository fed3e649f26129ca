#if NIO
    import Glibc
    import NIOCore
    import ProactorNIO

    /// A connected pair of Unix sockets: one end becomes a channel, the other is the test's, which does with it what peers do.
    final class RawSocketPair {
        /// The test's end, which does not block.
        let peer: Int32
        private var channelEnd: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
                throw IOError(errnoCode: errno, reason: "socketpair")
            }
            (channelEnd, peer) = (ends[0], ends[1])
            _ = fcntl(peer, F_SETFL, O_NONBLOCK)
            _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
            _ = fcntl(channelEnd, F_SETFD, FD_CLOEXEC)
        }

        deinit {
            closePeer()
            if channelEnd >= 0 { close(channelEnd) }
        }

        /// The channel of the other end, with these handlers.
        func makeChannel(
            on group: NIOProactorEventLoopGroup,
            _ configure: (NIOProactorClientBootstrap) -> NIOProactorClientBootstrap = { $0 },
            handlers: @escaping @Sendable () -> [any ChannelHandler]
        ) async throws -> any Channel {
            let descriptor = channelEnd
            channelEnd = -1
            let bootstrap = NIOProactorClientBootstrap(group: group).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(handlers())
                }
            }
            return try await configure(bootstrap).withConnectedSocket(descriptor).get()
        }

        private var isClosed = false

        func closePeer() {
            guard !isClosed else { return }
            isClosed = true
            close(peer)
        }

        func endOutput() {
            shutdown(peer, Int32(SHUT_WR))
        }

        /// Writes what fits, and returns how much that was.
        @discardableResult
        func write(_ text: String) -> Int {
            let bytes = Array(text.utf8)
            return bytes.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }

        /// What is there now; `nil` at the end of the stream.
        func readNow() -> [UInt8]? {
            guard !isClosed else { return nil }
            var all: [UInt8] = []
            var piece = [UInt8](repeating: 0, count: 65536)
            while true {
                let count = recv(peer, &piece, piece.count, 0)
                if count < 0 { return all }
                if count == 0 { return all.isEmpty ? nil : all }
                all += piece[..<count]
            }
        }

        /// Reads until so many bytes have come, or the end.
        func read(count: Int) async -> [UInt8] {
            var all: [UInt8] = []
            while all.count < count {
                guard let more = readNow() else { break }
                all += more
                if more.isEmpty { await Task.yield() }
            }
            return all
        }

        /// Reads to the end of the stream.
        func readToEnd() async -> [UInt8] {
            await read(count: .max)
        }
    }
#endif
