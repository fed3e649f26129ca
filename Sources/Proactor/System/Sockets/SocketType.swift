import Glibc

/// What a socket carries: a stream of bytes or single datagrams.
///
/// ```swift
/// let found = try await loop.getaddrinfo(host: "localhost", service: "http", type: .stream)
/// ```
public enum SocketType: Hashable, Sendable {
    /// An ordered stream of bytes (`SOCK_STREAM`).
    case stream
    /// Messages that keep their bounds (`SOCK_DGRAM`).
    case datagram

    package init?(rawValue: Int32) {
        switch rawValue {
        case Int32(SOCK_STREAM.rawValue): self = .stream
        case Int32(SOCK_DGRAM.rawValue): self = .datagram
        default: return nil
        }
    }

    package var rawValue: Int32 {
        switch self {
        case .stream: Int32(SOCK_STREAM.rawValue)
        case .datagram: Int32(SOCK_DGRAM.rawValue)
        }
    }
}
