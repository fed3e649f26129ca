import CPosix
import Glibc
import SystemPackage
import TestSupport
import Testing

/// sendfile(2) has no MSG_NOSIGNAL: the call itself has to see to it that nobody dies. Each test in a process of its own, for
/// the signal ends one.
@Suite struct SendFileSignalTests {
    private static let size = 64 << 20

    /// The kernel raises SIGPIPE also when it returns a count, of what went out before the connection was found broken.
    @Test(.exitTest) func aSendThatBreaksOffInTheMiddleRaisesNoSignal() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            let sent = try Self.sendUntilTheEnd()
            #expect(sent > 0 && sent < Self.size)
            #expect(!Self.isPending(SIGPIPE))
            #expect(!Self.isBlocked(SIGPIPE))
        }
    }

    @Test(.exitTest) func aSendThatFailsAtOnceRaisesNoSignal() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_DFL)
            try Self.expectAFailureAtOnce()
            #expect(!Self.isPending(SIGPIPE))
            #expect(!Self.isBlocked(SIGPIPE))
        }
    }

    /// A signal that somebody else has raised is theirs.
    @Test(.exitTest) func aSignalThatWasPendingBeforeStays() async {
        await #expect(processExitsWith: .success) {
            Self.blockSignal()
            raise(SIGPIPE)
            let sent = try Self.sendUntilTheEnd()
            #expect(sent > 0 && sent < Self.size)
            #expect(Self.isPending(SIGPIPE))
            #expect(Self.isBlocked(SIGPIPE))
        }
    }

    /// Who blocks the signal by itself must not find one, when it unblocks it, that a call of this library has raised.
    @Test(.exitTest) func aSignalThatIsBlockedIsTakenAwayToo() async {
        await #expect(processExitsWith: .success) {
            Self.blockSignal()
            try Self.expectAFailureAtOnce()
            var ends: [Int32] = [-1, -1]
            try #require(cposix_stream_pipe(&ends) == 0)
            close(ends[0])
            var byte: UInt8 = 1
            let result = withUnsafeMutableBytes(of: &byte) { bytes in
                var vector = iovec(iov_base: bytes.baseAddress, iov_len: 1)
                return cposix_write_now(ends[1], &vector, 1, false)
            }
            #expect(result == -Int64(EPIPE))
            #expect(!Self.isPending(SIGPIPE))
            #expect(Self.isBlocked(SIGPIPE))
        }
    }

    private static func blockSignal() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private static func expectAFailureAtOnce() throws {
        let pair = try SocketPair(.unix)
        let place = try TemporaryFile([1, 2, 3])
        let file = try FileDescriptor.open(place.path, .readOnly)
        try pair.second.close()
        #expect(seesHangUp(pair.first))
        var offset: Int64 = 0
        #expect(cposix_sendfile(pair.first.rawValue, file.rawValue, &offset, 3) == -Int64(EPIPE))
    }

    /// Sends a file to a peer that reads nothing, over a connection that is ended once something has come. Returns what the
    /// call says.
    private static func sendUntilTheEnd() throws -> Int64 {
        // Blocking, so that the call is under way then. And TCP: a Unix socket raises no signal for a send that waits.
        let pair = try SocketPair(.tcp)
        let place = try TemporaryFile([1], length: size)
        let file = try FileDescriptor.open(place.path, .readOnly)
        let (own, peer) = (pair.first.rawValue, pair.second.rawValue)
        let breaker = TestThread {
            var interest = pollfd(fd: peer, events: Int16(POLLIN), revents: 0)
            while poll(&interest, 1, 10_000) < 0, errno == EINTR {}
            shutdown(own, Int32(SHUT_WR))
        }
        var offset: Int64 = 0
        let sent = cposix_sendfile(own, file.rawValue, &offset, UInt64(size))
        breaker.join()
        return sent
    }

    private static func isPending(_ signal: Int32) -> Bool {
        var pending = sigset_t()
        sigpending(&pending)
        return sigismember(&pending, signal) == 1
    }

    private static func isBlocked(_ signal: Int32) -> Bool {
        var blocked = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &blocked)
        return sigismember(&blocked, signal) == 1
    }
}
