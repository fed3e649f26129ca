import ArgumentParser
import Foundation
import Proactor
import SystemPackage

/// Echo by `sock` calls: a task for each connection, and no transport.
struct SockEcho {
    private let loop: BaseEventLoop
    private let listener: FileDescriptor
    /// What it listens at.
    let address: SocketAddress

    /// As much as one receive brings, in bytes.
    private static let receiveMax = 64 << 10

    /// Listens at an IPv4 address.
    init(at endpoint: ServerOptions.Endpoint, on loop: BaseEventLoop, backlog: Int32) throws {
        guard case .tcp(let hosts, let port) = endpoint, let host = hosts.first, IPv4Address(host) != nil
        else {
            throw ValidationError("sock-echo listens at an IPv4 address only.")
        }
        self.loop = loop
        listener = FileDescriptor(rawValue: try check(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)))
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        try check(setsockopt(listener.rawValue, SOL_SOCKET, SO_REUSEADDR, &on, size))
        // Accepted sockets inherit it.
        try check(setsockopt(listener.rawValue, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &name.sin_addr)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &name) { [listener] name in
            try name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                try check(bind(listener.rawValue, name, length))
                try check(listen(listener.rawValue, backlog))
                try check(getsockname(listener.rawValue, name, &length))
            }
        }
        address = .ipv4(IPv4Address(host)!, port: UInt16(bigEndian: name.sin_port))
    }

    /// Serves until the task is cancelled.
    nonisolated(nonsending) func run() async throws {
        defer { try? listener.close() }
        while true {
            let (socket, _) = try await loop.sockAccept(listener)
            loop.createTask { await echo(socket) }
        }
    }

    nonisolated(nonsending) private func echo(_ socket: FileDescriptor) async {
        defer { try? socket.close() }
        do {
            var buffer = OwnedBuffer(capacity: Self.receiveMax)
            while try await loop.sockRecvInto(socket, &buffer) > 0 {
                try await loop.sockSendAll(socket, buffer)
                buffer.removeAll()
            }
        } catch {
            // The client has gone, or the service ends.
        }
    }
}

@discardableResult
private func check(_ result: Int32) throws -> Int32 {
    guard result >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    return result
}

nonisolated(nonsending) func serveBySockCalls(
    at endpoint: ServerOptions.Endpoint,
    on loop: BaseEventLoop,
    until signals: TerminationSignals
) async throws {
    let echo = try SockEcho(at: endpoint, on: loop, backlog: 4_096)
    let serving = loop.createTask { try await echo.run() }
    let boundServing = LoopBound(serving, of: loop)
    signals.whenFirstComes { try? boundServing.post { _ = $0.cancel() } }
    FileHandle.standardOutput.write(Data("listening on \(echo.address)\n".utf8))
    do {
        try await serving.value()
    } catch is CancellationError {
        // Told to end.
    }
}
