import Foundation
import Glibc
import TestSupport
import Testing

@testable import Proactor

/// What the signals do that end a program: each in a process of its own.
@Suite struct RunnerSignalTests {
    @Test(.exitTest, arguments: LoopKind.allCases)
    func theFirstSignalCancelsTheBodyAndThenEndsTheProgram(kind: LoopKind) async {
        let result = await #expect(
            processExitsWith: .signal(SIGTERM),
            observing: [\.standardOutputContent, \.standardErrorContent]
        ) { [kind] in
            try await onThread {
                try run(options: ending(kind, by: .interrupt, .terminate)) {
                    let loop = try getRunningLoop()
                    loop.createTask {
                        do { try await sleep(for: .seconds(3600)) } catch { print("another task ended") }
                    }
                    try loop.callSoon { kill(getpid(), SIGTERM) }
                    defer { print("the body ended") }
                    try await sleep(for: .seconds(3600))
                }
            }
        }
        #expect(result.lines.suffix(2) == ["the body ended", "another task ended"])
        #expect(!result.ended(saying: "Fatal error"))
    }

    /// Neither a body that does not end, nor one that never lets the loop turn, nor tasks that go on after it keep a program alive.
    @Test(.exitTest, arguments: LoopKind.allCases, ["waits on", "is busy", "cleans up"])
    func theSecondSignalEndsTheProgramAtOnce(kind: LoopKind, how: String) async {
        await #expect(processExitsWith: .signal(SIGINT)) { [kind, how] in
            try await onThread {
                try run(options: ending(kind, by: .terminate, .interrupt)) {
                    let loop = try getRunningLoop()
                    try loop.callSoon { kill(getpid(), SIGTERM) }
                    if how == "is busy" {
                        // The first signal has had its effect.
                        while !Task.isCancelled { await Task.yield() }
                        // Each is caught before kill(2) returns, or by a thread of its own soon after.
                        while true { kill(getpid(), SIGINT) }
                    }
                    if how == "cleans up" {
                        loop.createTask {
                            try? await sleep(for: .seconds(3600))
                            kill(getpid(), SIGINT)
                            while true {
                                try? await loop.createTask { try await sleep(for: .seconds(60)) }.value()
                            }
                        }
                    }
                    do { try await sleep(for: .seconds(3600)) } catch  where how == "waits on" {
                        kill(getpid(), SIGINT)
                        while true { await Task.yield() }
                    }
                }
            }
        }
    }

    @Test(.exitTest, arguments: LoopKind.allCases)
    func aBodyThatCatchesTheCancelReturnsAndTheSignalIsGivenBack(kind: LoopKind) async {
        await #expect(processExitsWith: .exitCode(7)) { [kind] in
            try await onThread {
                let options = ending(kind, by: .user1, .user2)
                let answer = try run(options: options) {
                    try getRunningLoop().callSoon { kill(getpid(), SIGUSR1) }
                    do { try await sleep(for: .seconds(3600)) } catch { return 7 }
                    return 8
                }
                #expect(signalDisposition(SIGUSR1) == .default && signalDisposition(SIGUSR2) == .default)
                // What was ignored before is ignored again, and its signal a first one.
                signal(SIGUSR1, SIG_IGN)
                #expect(throws: TestError.self) {
                    try run(options: options) {
                        try getRunningLoop().callSoon { kill(getpid(), SIGUSR1) }
                        do { try await sleep(for: .seconds(3600)) } catch { throw TestError(number: 1) }
                    }
                }
                #expect(signalDisposition(SIGUSR1) == .ignored)
                exit(Int32(answer))
            }
        }
    }

    @Test(.exitTest, arguments: LoopKind.allCases)
    func aHandlerOfTheProgramsOwnTakesItsPlace(kind: LoopKind) async {
        let result = await #expect(
            processExitsWith: .signal(SIGTERM),
            observing: [\.standardOutputContent]
        ) { [kind] in
            try await onThread {
                try run(options: ending(kind, by: .terminate)) {
                    let loop = try getRunningLoop()
                    for _ in 0..<3 {
                        let told = loop.createFuture()
                        try loop.addSignalHandler(.terminate) { told.trySetResult() }
                        kill(getpid(), SIGTERM)
                        try await told.value()
                        print("told")
                    }
                    #expect(try loop.removeSignalHandler(.terminate))
                    #expect(try !loop.removeSignalHandler(.terminate))
                    try loop.callSoon { kill(getpid(), SIGTERM) }
                    try await sleep(for: .seconds(3600))
                }
            }
        }
        #expect(result.lines.suffix(3) == ["told", "told", "told"])
    }

    @Test(arguments: LoopKind.allCases)
    func elsewhereThanOnTheFirstThreadNoneIsTakenUnlessNamed(kind: LoopKind) async throws {
        // One that no other test, and no other loop's, is told of.
        let number = 59 + Int32(try #require(LoopKind.allCases.firstIndex(of: kind)))
        try await onThread {
            try run(options: RunnerOptions(loopFactory: { try kind.makeLoop() })) {
                let loop = try #require(try getRunningLoop() as? BaseEventLoop)
                #expect(loop.signalHandlers == nil)
            }
            for signal in [Signal.kill, Signal(rawValue: 0), Signal(rawValue: 1000)] {
                #expect(throws: SignalError.self) {
                    try run(options: ending(kind, by: Signal(rawValue: number), signal)) {
                        Issue.record("the body of a refused run began")
                    }
                }
            }
            #expect(signalDisposition(number) == .default)
        }
    }

    // MARK: - runMain

    @Test(.exitTest, arguments: LoopKind.allCases)
    func aProgramTellsItsErrorInOneSentence(kind: LoopKind) async {
        let result = await #expect(
            processExitsWith: .exitCode(1),
            observing: [\.standardErrorContent]
        ) { [kind] in
            try await onThread {
                runMain(options: RunnerOptions(loopFactory: { try kind.makeLoop() })) {
                    let loop = try getRunningLoop()
                    let first = try await loop.createServer(host: "127.0.0.1", port: 0) {
                        RecordingProtocol()
                    }
                    let port = try #require(try first.sockets[0].localAddress().port)
                    _ = try await loop.createServer(host: "127.0.0.1", port: port) { RecordingProtocol() }
                }
            }
        }
        let errors = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        let sentence = errors.split(separator: "\n").last { $0.contains("127.0.0.1") }
        #expect(sentence?.contains(": bind") == true, "\(errors)")
        #expect(!errors.contains("Fatal error"))
    }

    @Test func anErrorIsOneLineWhateverItSays() {
        struct TwoLines: Error, CustomStringConvertible { let description = "one\ntwo\r\nthree\0four\n" }
        #expect(ErrorSentence(TwoLines()).text == "one two three four")
        #expect(ErrorSentence(CancellationError()).text == "the program was cancelled")
    }

    @Test(.exitTest, arguments: LoopKind.allCases)
    func aProgramEndsByTheUsualSignals(kind: LoopKind) async {
        await #expect(processExitsWith: .signal(SIGINT)) { [kind] in
            try await onThread {
                runMain(options: RunnerOptions(loopFactory: { try kind.makeLoop() })) {
                    let server = try await getRunningLoop()
                        .createServer(host: "127.0.0.1", port: 0) { RecordingProtocol() }
                    try getRunningLoop().callSoon { kill(getpid(), SIGINT) }
                    try await server.serveForever()
                }
            }
        }
    }
}

private func ending(_ kind: LoopKind, by signals: Signal...) -> RunnerOptions {
    RunnerOptions(signals: signals, loopFactory: { try kind.makeLoop() })
}
