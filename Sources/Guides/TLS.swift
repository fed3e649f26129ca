// The code of the guides in ProactorTLS.docc, which a test holds against it.
import Proactor
import ProactorTLS

nonisolated(nonsending) func connect(_ loop: any AbstractEventLoop) async throws {
    let context = try TLSContext.client()
    let (reader, writer) = try await loop.openConnection(host: "example.com", port: 443, tls: context)
    writer.write("GET / HTTP/1.0\r\n\r\n")
    print(try await reader.readToEnd().count)
    writer.close()
}

nonisolated(nonsending) func serve(_ loop: any AbstractEventLoop) async throws {
    let context = try TLSContext.server(
        certificateChain: .file("fullchain.pem"),
        privateKey: .file("key.pem")
    )
    let server = try await loop.startServer(host: "0.0.0.0", port: 8443, tls: context) { reader, writer in
        for try await line in reader.lines {
            writer.write(line)
            try await writer.drain()
        }
        writer.close()
        try await writer.waitClosed()
    }
    try await server.serveForever()
}

func chooseByName(_ one: TLSContext) throws -> TLSContext {
    var configuration = TLSConfiguration()
    configuration.chooseContext = { name in name == "one.example" ? one : nil }
    return try .server(
        certificateChain: .file("other.pem"),
        privateKey: .file("other.key"),
        configuration: configuration
    )
}

func requireCertificates() throws -> TLSContext {
    var configuration = TLSConfiguration()
    configuration.clientCertificates = .required
    configuration.trust = .file("clients-authority.pem")
    return try .server(
        certificateChain: .file("fullchain.pem"),
        privateKey: .file("key.pem"),
        configuration: configuration
    )
}

nonisolated(nonsending) func ask(_ loop: any AbstractEventLoop, _ context: TLSContext) async throws -> String
{
    do {
        let (reader, writer) = try await loop.openConnection(host: "example.com", port: 443, tls: context)
        writer.write("GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
        let answer = try await reader.readToEnd()
        writer.close()
        try await writer.waitClosed()
        return String(decoding: answer, as: UTF8.self)
    } catch let error as TLSError where error.reason == .certificateExpired {
        return "their certificate has expired"
    }
}

nonisolated(nonsending) func upgrade(_ loop: any AbstractEventLoop, _ context: TLSContext) async throws {
    let (reader, writer) = try await loop.openConnection(host: "mail.example.com", port: 587)
    writer.write("STARTTLS\r\n")
    guard try await reader.readLine().starts(with: "220".utf8) else { return writer.close() }
    try await writer.startTLS(context, serverName: "mail.example.com")
    writer.write("EHLO client.example.com\r\n")
}

func testContexts() throws -> (server: TLSContext, client: TLSContext) {
    var configuration = TLSConfiguration()
    configuration.trust = .file("authority.pem")
    return (
        try .server(certificateChain: .file("server.pem"), privateKey: .file("server.key")),
        try .client(configuration)
    )
}

nonisolated(nonsending) func readFromCarelessPeer(_ loop: any AbstractEventLoop, _ context: TLSContext)
    async throws
{
    var options = ConnectionOptions(.tcp(host: "example.com", port: 443))
    options.tls = TLSOptions(context)
    options.tls?.toleratesTruncation = true
    let (transport, _) = try await loop.createConnection(options) { LengthPrefixed() }
    transport.write("as long as it says\n")
}

/// Knows by itself when it has all.
final class LengthPrefixed: StreamProtocol {
    func dataReceived(_ data: RawSpan) {}
}
