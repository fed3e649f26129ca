import Proactor

/// Answers each HTTP request with a greeting: kept alive, and pipelined when the client wishes so.
final class HelloConnection: StreamProtocol {
    private static let body = "Hello, world!\n"
    private static let fields = "Content-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n"
    private static let greeting = Array("HTTP/1.1 200 OK\r\n\(fields)\r\n\(body)".utf8)
    private static let lastGreeting = Array(
        "HTTP/1.1 200 OK\r\n\(fields)Connection: close\r\n\r\n\(body)".utf8
    )
    private static let head = Array("HTTP/1.1 200 OK\r\n\(fields)\r\n".utf8)
    private static let lastHead = Array("HTTP/1.1 200 OK\r\n\(fields)Connection: close\r\n\r\n".utf8)

    private var transport: (any Transport)?
    private var parser = HTTPRequestParser()
    /// Read for each answer: a static would be looked up each time.
    private let greeting = HelloConnection.greeting

    func connectionMade(_ transport: any Transport) {
        self.transport = transport
    }

    func dataReceived(_ data: RawSpan) {
        guard let transport, !transport.isClosing else { return }
        do throws(HTTPRequestParser.Problem) {
            var position = 0
            while let request = try parser.nextRequest(in: data, from: &position) {
                answer(request, on: transport)
                guard request.keepsAlive else { return transport.close() }
            }
        } catch {
            transport.write("HTTP/1.1 \(error.status)\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            transport.close()
        }
    }

    private func answer(_ request: HTTPRequestParser.Request, on transport: any Transport) {
        switch (request.isHead, request.keepsAlive) {
        case (false, true): transport.write(greeting)
        case (false, false): transport.write(Self.lastGreeting)
        case (true, true): transport.write(Self.head)
        case (true, false): transport.write(Self.lastHead)
        }
    }

    func pauseWriting() {
        // A peer that sends without reading would otherwise fill the memory.
        transport?.pauseReading()
    }

    func resumeWriting() {
        transport?.resumeReading()
    }

    func connectionLost(_ error: (any Error)?) {
        transport = nil
    }
}
