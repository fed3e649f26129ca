import NIOCore
import ProactorNIO

/// Sends back what frames a connection brings, by an async channel and a task of its own, as in NIOTCPEchoServer.
struct AsyncEcho {
    var framing: FrameDecoder.Framing
    /// Runs the tasks on the event loop's thread, and not on Swift's own.
    var onLoop: Bool

    /// Takes over a channel that was just accepted. To be called on its event loop.
    func serve(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(FrameDecoder(framing: framing)))
        let connection = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        let executor = executor(for: channel.eventLoop)
        Task(executorPreference: executor) {
            do {
                try await connection.executeThenClose { inbound, outbound in
                    for try await frame in inbound { try await outbound.write(frame) }
                }
            } catch {
                // The client has gone, amid a frame or between two.
            }
        }
    }

    /// Where the tasks run; `nil` is on Swift's own threads. swift-proactor's loops are executors themselves.
    private func executor(for loop: any EventLoop) -> (any TaskExecutor)? {
        if let loop = loop as? NIOProactorEventLoop { return loop.taskExecutor }
        return onLoop ? LoopTasks(loop: loop) : nil
    }
}

/// An event loop that runs tasks.
private final class LoopTasks: TaskExecutor {
    private let loop: any EventLoop

    init(loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
