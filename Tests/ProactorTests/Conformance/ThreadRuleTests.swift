import Dispatch
import TestSupport
import Testing

@testable import Proactor

@Suite struct ThreadRuleTests {
    /// Calls that belong to the loop's thread, by the name that the message has to give them.
    enum Call: String, CaseIterable, Codable, Sendable {
        case cancelHandle = "Handle.cancel"
        case handleCancelled = "Handle.cancelled"
        case cancelTimer = "TimerHandle.cancel"
        case timerCancelled = "TimerHandle.cancelled"
        case getExceptionHandler = "getExceptionHandler"
        case callExceptionHandler = "callExceptionHandler"
        case setDebug = "debug"
        case setSlowCallbackDuration = "slowCallbackDuration"
        case setTaskFactory = "taskFactory"
        case taskName = "LoopTask.name"
        case localAddress = "TransportSocket.localAddress"
        case peerAddress = "TransportSocket.peerAddress"
        case setOption = "TransportSocket.setOption"
        case option = "TransportSocket.option"
        case stop
        case createTask
        case setExceptionHandler
    }

    /// What the calls are made on. Made on the loop's thread, and carried to another on purpose.
    private struct Objects: @unchecked Sendable {
        let loop: SelectorEventLoop
        let handle: Handle
        let timer: TimerHandle
        let task: LoopTask<Void>
        let socket: TransportSocket

        init() throws {
            loop = try SelectorEventLoop()
            let pair = try SocketPair(.unix)
            socket = TransportSocket(
                pair.first,
                of: loop,
                owner: Listener(loop: loop, socket: pair.first, backlog: 1)
            )
            handle = try loop.callSoon {}
            timer = try loop.callLater(.seconds(3600)) {}
            task = loop.createTask { try await Task.sleep(for: .seconds(3600)) }
            try loop.turn()
        }

        func make(_ call: Call) throws {
            switch call {
            case .cancelHandle: handle.cancel()
            case .handleCancelled: _ = handle.cancelled
            case .cancelTimer: timer.cancel()
            case .timerCancelled: _ = timer.cancelled
            case .getExceptionHandler: _ = loop.getExceptionHandler()
            case .callExceptionHandler: loop.callExceptionHandler(ExceptionContext(message: ""))
            case .setDebug: loop.debug = false
            case .setSlowCallbackDuration: loop.slowCallbackDuration = .zero
            case .setTaskFactory: loop.taskFactory = nil
            case .taskName: _ = task.name
            case .localAddress: _ = try socket.localAddress()
            case .peerAddress: _ = try socket.peerAddress()
            case .setOption: try socket.setOption(.keepAlive, to: 1)
            case .option: _ = try socket.option(.keepAlive)
            case .stop: loop.stop()
            case .createTask: loop.createTask {}
            case .setExceptionHandler: loop.setExceptionHandler(nil)
            }
        }
    }

    // Behaviour 10
    @Test(.exitTest, arguments: Call.allCases)
    func aCallFromAnotherThreadEndsTheProgram(_ call: Call) async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            [call] in
            let objects = try #require(try await onThread { try Objects() })
            try objects.make(call)
        }
        #expect(
            result.ended(saying: "\(call.rawValue) was called from a thread that is not the event loop's")
        )
    }

    @Test func onItsOwnThreadEachCallIsFine() async throws {
        try await onThread {
            let objects = try Objects()
            for call in Call.allCases { try objects.make(call) }
            #expect(objects.timer.cancelled && objects.handle.cancelled)
            objects.task.cancel()
            #expect(throws: CancellationError.self) { try objects.loop.runUntilComplete(objects.task) }
            try objects.loop.close()
        }
    }

    // Behaviour 8
    @Test(arguments: LoopKind.allCases, [true, false])
    func anotherThreadClosesALoopOnlyWhenItsOwnIsGone(kind: LoopKind, whileItRuns: Bool) async throws {
        try await onThread {
            let loop = try kind.makeLoop()
            let (isReady, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let thread = TestThread {
                do {
                    try loop.callSoon {
                        if whileItRuns { isReady.signal() } else { loop.stop() }
                    }
                    try loop.runForever()
                } catch { Issue.record(error) }
                if !whileItRuns { isReady.signal() }
                mayEnd.wait()
            }
            isReady.wait()
            #expect(throws: EventLoopError.wrongThread(call: "close")) { try loop.close() }
            #expect(!loop.isClosed)
            if whileItRuns { try loop.callSoonThreadSafe { loop.stop() } }
            mayEnd.signal()
            thread.join()
            try loop.close()
            #expect(loop.isClosed)
            #expect(throws: EventLoopError.closed) { try loop.callSoon {} }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func whatIsLeftOfALoopBelongsToWhoeverClosedIt(kind: LoopKind) async throws {
        try await onThread {
            let lives = LifeCounter()
            let loop = try kind.makeLoop()
            nonisolated(unsafe) var handles: [TimerHandle] = []
            nonisolated(unsafe) var future: Future<Int>?
            TestThread {
                do {
                    // Within a task, so that each has a context to let go of.
                    let task = loop.createTask {
                        let object = lives.makeObject()
                        handles.append(try loop.callLater(.seconds(3600)) { object.touch() })
                        try loop.callSoon { object.touch() }
                        let pending = loop.createFuture(of: Int.self)
                        pending.addDoneCallback { _ in object.touch() }
                        future = pending
                        loop.stop()
                    }
                    try loop.runUntilComplete(task)
                } catch { Issue.record(error) }
            }.join()
            #expect(lives.alive == 1)
            try loop.close()
            #expect(future?.done == false)
            handles.first?.cancel()
            future = nil
            #expect(lives.alive == 0)
        }
    }
}
