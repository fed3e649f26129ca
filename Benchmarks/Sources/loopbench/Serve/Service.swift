import ArgumentParser
import Proactor

/// What a server does with its connections.
enum Service: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// Sends back what it receives, by callbacks.
    case echo
    /// The same by streams: a task for each connection that awaits what comes.
    case asyncEcho = "async-echo"
    /// The same by a task for each connection that calls `sockRecvInto` and `sockSendAll`, without a transport.
    case sockEcho = "sock-echo"
    /// Sends lines back, by streams.
    case lines
    /// Sends messages of one size back, by streams.
    case exact
    /// Drops what it receives.
    case sink
    /// Sends the pattern without end.
    case source
    /// Sends lines back that begin with '?', and only looks at all others.
    case ask
    /// Forwards each connection to an upstream.
    case proxy
    /// Sends datagrams back.
    case udpEcho = "udp-echo"
    /// Greets over HTTP/1.1.
    case http

    /// What serves one connection, on `loop`.
    ///
    /// - Parameter upstream: the port of 127.0.0.1 that a proxy forwards to.
    func makeProtocol(on loop: BaseEventLoop, messageBytes: Int, upstream: UInt16) -> any ConnectionProtocol {
        switch self {
        case .echo: EchoConnection()
        case .asyncEcho: StreamEcho.bytes.makeProtocol()
        case .lines: StreamEcho.lines.makeProtocol()
        case .exact: StreamEcho.exact(byteCount: messageBytes).makeProtocol()
        case .sink: SinkConnection()
        case .source: SourceConnection(on: loop, messageBytes: messageBytes)
        case .ask: AskConnection()
        case .proxy: ProxyConnection(on: loop, upstream: upstream)
        case .sockEcho: preconditionFailure("sock calls have no protocol")
        case .udpEcho: preconditionFailure("datagrams have no connections")
        case .http: HelloConnection()
        }
    }
}
