import Testing

@testable import Proactor

extension BaseEventLoop {
    /// Starts a command line for the shell, with streams.
    func startStreamed(
        _ command: String,
        options: ProcessOptions = ProcessOptions(),
        limit: Int = StreamReader.defaultLimit
    ) throws -> StreamedProcess {
        try run { try await self.createSubprocessShell(command, options: options, limit: limit) }
    }

    /// Waits until the child is over, and checks that it left nothing behind.
    func runToTheEnd(_ process: StreamedProcess, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try run { await process.streams.waitUntilOver() }
        expectGone(process.pid, sourceLocation: sourceLocation)
        try turn(
            until: { self.openTransports.count == 0 && self.backend.operationCount == 0 },
            sourceLocation: sourceLocation
        )
    }

    /// Waits until a task has begun to wait for more of the stream.
    func turn(untilReadBy reader: StreamReader?) throws {
        try turn(until: { reader?.isWaitedFor == true })
    }
}

extension StreamReader {
    /// How many bytes have come that are not read.
    var heldCount: Int { buffer.count + collected.count }
}
