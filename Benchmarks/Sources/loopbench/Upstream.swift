import CLoad
import Foundation

/// Where a proxy forwards to: a listening socket, which the load accepts from while it measures.
///
/// It is there before the server starts, which has to be told its port. Any thread.
final class Upstream: Sendable {
    let port: UInt16
    let descriptor: Int32

    init() throws(LoadGenerator.Failure) {
        var port: UInt16 = 0
        descriptor = cload_listen(&port)
        guard descriptor >= 0 else { throw LoadGenerator.Failure(step: "upstream", code: -descriptor) }
        self.port = port
    }

    deinit { close(descriptor) }
}
