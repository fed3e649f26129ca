import Glibc
import Proactor

/// An end of a stream: a socket's or a pipe's.
class StreamEnd: OpenFile {
    @exclusivity(unchecked) final var incoming: StreamChannel?
    @exclusivity(unchecked) final var outgoing: StreamChannel?
    /// What the next call ends with, as errno; zero is nothing.
    @exclusivity(unchecked) final var pendingError: Int32 = 0

    /// A reset came.
    func receivedReset() {}
    /// Nobody has acknowledged anything for a long time.
    func timedOut() {}
    /// Within a host: nobody reads any more what is written here.
    func peerClosed(unread: Bool) {}

    final func takeError() -> Int32 {
        defer { pendingError = 0 }
        return pendingError
    }

    final func attach(incoming: StreamChannel?, outgoing: StreamChannel?) {
        self.incoming = incoming
        self.outgoing = outgoing
        // Taken back when the end is closed, or its machine is gone.
        incoming?.reader = self
        outgoing?.writer = self
    }

    /// Lets go of both channels.
    final func detach(isCrash: Bool) {
        if isCrash {
            outgoing?.crashWriter()
        } else {
            outgoing?.writer = nil
        }
        incoming?.closeReader()
        incoming = nil
        outgoing = nil
    }
}
