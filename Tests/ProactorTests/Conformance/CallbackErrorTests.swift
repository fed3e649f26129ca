import Testing

@testable import Proactor

@Suite struct CallbackErrorTests {
    // Behaviour 9
    @Test(arguments: LoopKind.everywhere)
    func anErrorOfACallbackGoesToTheHandlerAndTheLoopGoesOn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var reported: [TestError?] = []
            loop.setExceptionHandler { handlerLoop, context in
                #expect(handlerLoop === loop)
                reported.append(context.error as? TestError)
            }
            #expect(loop.getExceptionHandler() != nil)
            try loop.callSoon { throw TestError(number: 1) }
            try loop.callLater(.zero) { throw TestError(number: 2) }
            try loop.callSoonThreadSafe { throw TestError(number: 3) }
            let future = loop.createFuture()
            future.addDoneCallback { _ in throw TestError(number: 4) }
            try future.setResult()
            try loop.runUntilComplete {
                // With a context.
                try getRunningLoop().callSoon { throw TestError(number: 5) }
            }
            let numbers = reported.compactMap { $0?.number }.sorted()
            #expect(numbers == [1, 2, 3, 4, 5])
            loop.setExceptionHandler(nil)
        }
    }

    // Behaviour 9
    @Test(arguments: LoopKind.everywhere)
    func anErrorInTheHandlerItselfIsLogged(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            var goesOn = false
            let lines = try LogCapture.lines {
                loop.setExceptionHandler { _, _ in throw TestError(number: 8) }
                try loop.callSoon { throw TestError(number: 7) }
                try loop.callSoon { goesOn = true }
                loop.stop()
                try loop.runForever()
            }
            #expect(goesOn)
            #expect(lines.contains { $0.contains("number: 8") && $0.contains("number: 7") })
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func withoutAHandlerTheErrorIsLogged(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let lines = try LogCapture.lines {
                try loop.callSoon { throw TestError(number: 6) }
                loop.stop()
                try loop.runForever()
            }
            #expect(lines.contains { $0.hasPrefix("error") && $0.contains("number: 6") })
        }
    }
}
