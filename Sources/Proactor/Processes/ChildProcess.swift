import SystemPackage

/// ``SubprocessTransport`` on every loop.
///
/// The ring, or the child's pidfd, tells when the child has ended; the child is reaped then, and not before, so that until then
/// its number is its own. It is over when the child has ended, its pipes are closed and `connectionLost` was called.
final class ChildProcess: CompletionOwner, SubprocessTransport, RegistryMember {
    /// What a child's exit status is said to be when somebody else has taken it.
    private static let unknownReturnCode: Int32 = 255

    let loop: BaseEventLoop
    private let childPID: Int32
    // Exclusivity: these belong to the loop's thread, and no method calls out while it changes them.
    /// The child, until it is reaped.
    @exclusivity(unchecked) private(set) var process: SpawnedProcess?
    @exclusivity(unchecked) private var exitCode: Int32?
    @exclusivity(unchecked) private var childProtocol: (any SubprocessProtocol)?
    @exclusivity(unchecked) private var pipes: [ChildPipe] = []
    @exclusivity(unchecked) private var exitWait: OperationToken?
    /// One for each task that waits for the end: cancelling a task ends its own wait only.
    @exclusivity(unchecked) private(set) var exitWaiters: [Future<Int32>] = []
    @exclusivity(unchecked) private var wasClosed = false
    @exclusivity(unchecked) private var isEnding = false
    @exclusivity(unchecked) var registryIndex: Int32 = -1

    /// The group that it leads.
    private let group: ChildGroup?

    init(
        loop: BaseEventLoop,
        process: SpawnedProcess,
        leadsGroup: Bool,
        childProtocol: any SubprocessProtocol
    ) {
        self.loop = loop
        group = leadsGroup ? ChildGroup(system: loop.system) : nil
        childPID = process.pid
        self.process = process
        self.childProtocol = childProtocol
        super.init()
        if let descriptor = process.descriptor { loop.own(descriptor) }
        loop.openProcesses.insert(self)
    }

    /// Tells the protocol, then begins to listen to the pipes and to wait for the end.
    func start(pipes ends: [(number: Int32, pipe: FileDescriptor)]) {
        for (number, pipe) in ends {
            let childPipe = ChildPipe(child: self, number: number)
            pipes.append(childPipe)
            PipeTransport(
                loop: loop,
                pipe: AdoptedPipe(given: pipe, used: pipe),
                end: number == 0 ? .writing : .reading(waitsForWriter: false),
                connectionProtocol: childPipe
            ).start()
        }
        waitForEnd()
        do {
            try childProtocol?.connectionMade(self)
        } catch {
            report(error, in: "connectionMade")
            close()
        }
    }

    // MARK: - SubprocessTransport

    var pid: Int32 {
        loop.checkThread("pid")
        return childPID
    }

    var returnCode: Int32? {
        loop.checkThread("returnCode")
        return exitCode
    }

    func getPipeTransport(_ descriptor: Int32) -> (any Transport)? {
        loop.checkThread("getPipeTransport")
        return pipes.first { $0.number == descriptor }?.transport
    }

    @discardableResult
    func sendSignal(_ signal: Signal) throws(ProcessError) -> Bool {
        loop.checkThread("sendSignal")
        // In a fork's child it is the parent's child, and none of this process's.
        guard let process, !loop.isForked else { return false }
        do {
            try loop.system.processes.sendSignal(signal, to: process)
            return true
        } catch .noSuchProcess {
            return false
        } catch {
            throw ProcessError(.signal, error)
        }
    }

    @discardableResult
    func sendSignal(_ signal: Signal, toGroup: Bool) throws(ProcessError) -> Bool {
        guard toGroup else { return try sendSignal(signal) }
        loop.checkThread("sendSignal")
        guard let group else { throw ProcessError(.signalGroup, .invalidArgument) }
        return loop.isForked ? false : try group.sendSignal(signal, leader: process)
    }

    nonisolated(nonsending) func wait() async throws -> Int32 {
        loop.checkThread("wait")
        try checkCancellation()
        if let exitCode { return exitCode }
        try loop.checkUsable("wait")
        let waiter = loop.createFuture(of: Int32.self)
        exitWaiters.append(waiter)
        defer { exitWaiters.removeAll { $0 === waiter } }
        return try await waiter.value()
    }

    func extraInfo<Value>(_ key: ExtraInfoKey<Value>) -> Value? { nil }

    var isClosing: Bool {
        loop.checkThread("isClosing")
        return wasClosed || isEnding
    }

    func close() {
        loop.checkThread("close")
        guard !wasClosed else { return }
        wasClosed = true
        // A child that runs is ended here, and what it has not read with it. What one that has ended by itself did not read, whoever
        // wrote it has still to hear of.
        for pipe in pipes {
            if exitCode == nil { pipe.transport?.abort() } else { pipe.transport?.loseUnread() }
        }
        // A child that this user may not signal ends when it likes, and is reaped then.
        _ = try? sendSignal(.kill)
    }

    // MARK: - The child's end

    private func waitForEnd() {
        guard let process else { preconditionFailure("a child was waited for after it had been reaped") }
        if let descriptor = process.descriptor {
            exitWait = loop.backend.submit(.waitUntilReadable(descriptor), owner: self)
        } else if loop.backend.waitsForChildren {
            exitWait = loop.backend.submit(.waitForChild(pid: process.pid), owner: self)
        } else {
            // It was gone before anybody could look.
            self.process = nil
            loop.ready.push(.callback { self.ended(nil) })
        }
    }

    override func operationCompleted(_ completion: Completion) {
        precondition(completion.token == exitWait, "a wait for a child completed that was not in flight")
        exitWait = nil
        guard let process else { preconditionFailure("a child was reaped before its end was known") }
        // Whatever the wait has come to, the child itself tells.
        switch Result(catching: { () throws(Errno) in
            try loop.system.processes.takeExitStatus(of: process)
        }) {
        case .success(nil):
            // A wake-up for nothing: it runs still.
            waitForEnd()
        case .success(let status?):
            letGo(of: process)
            tellInputThenEnd(status)
        case .failure:
            letGo(of: process)
            tellInputThenEnd(nil)
        }
    }

    private func letGo(of process: SpawnedProcess) {
        self.process = nil
        guard let descriptor = process.descriptor else { return }
        loop.disown(descriptor)
        if let group {
            group.keep(process)
        } else {
            try? loop.system.close(descriptor)
        }
    }

    /// The child has let go of its input before it ended, so that the loss of that pipe comes first on every loop: whoever ends
    /// things at the exit would take from it the error that tells of bytes which were never taken. Another process that the pipe
    /// was handed on to may still read it.
    private func tellInputThenEnd(_ status: Int32?) {
        guard let input = pipes.first(where: { $0.number == 0 }), let transport = input.transport else {
            return ended(status)
        }
        transport.loseIfReaderIsGone()
        guard transport.phase == .lost else { return ended(status) }
        // Behind the call that tells of the loss.
        loop.ready.push(.callback { self.ended(status) })
    }

    /// The child is reaped; `nil` when somebody else did it. Called by the loop, never within a call of the program's.
    private func ended(_ status: Int32?) {
        precondition(exitCode == nil, "a child ended twice")
        if status == nil {
            loop.logger.warning(
                "the exit status of child \(childPID) is lost: the program reaps children itself, or ignores SIGCHLD"
            )
        }
        let code = status ?? Self.unknownReturnCode
        exitCode = code
        childProtocol?.processExited()
        // A task that was cancelled, and has not gone on since, has left its future here.
        for waiter in exitWaiters where waiter.isPending { waiter.succeed(code) }
        endIfOver()
    }

    private func endIfOver() {
        guard exitCode != nil, !isEnding, pipes.allSatisfy(\.isClosed) else { return }
        isEnding = true
        let lostProtocol = childProtocol
        childProtocol = nil
        loop.openProcesses.remove(self)
        lostProtocol?.connectionLost(nil)
        pipes = []
    }

    /// The pipes are closed by their transports.
    func closeWithLoop(inFork: Bool) {
        guard inFork, let process = takeProcess(), let descriptor = process.descriptor else { return }
        try? loop.system.close(descriptor)
    }

    /// Gives the child to the loop, which closes and ends all of its children together.
    func takeProcess() -> SpawnedProcess? { process.take() }

    func releaseUsersObjects() {
        childProtocol = nil
        pipes = []
    }

    // MARK: - Pipes

    func pipeReceived(_ pipe: ChildPipe, _ data: RawSpan) {
        do {
            try childProtocol?.pipeDataReceived(pipe.number, data)
        } catch {
            report(error, in: "pipeDataReceived")
            pipe.transport?.loseConnection(error)
        }
    }

    func pipeClosed(_ pipe: ChildPipe, _ error: (any Error)?) {
        childProtocol?.pipeConnectionLost(pipe.number, error)
        endIfOver()
    }

    func pauseWriting() {
        childProtocol?.pauseWriting()
    }

    func resumeWriting() {
        childProtocol?.resumeWriting()
    }

    private func report(_ error: any Error, in method: StaticString) {
        var context = ExceptionContext(message: "\(method) threw an error", error: error)
        context.connectionProtocol = childProtocol
        context.transport = self
        loop.callExceptionHandler(context)
    }
}

extension ChildProcess: CustomStringConvertible {
    var description: String {
        "child process \(childPID) (\(exitCode.map { "ended with \($0)" } ?? "running"))"
    }
}
