import Glibc
import TestSupport
import Testing

@Suite struct LoopKindTests {
    @Test(arguments: [nil, ""]) func nothingChoosesAll(_ names: String?) throws {
        #expect(try LoopKind.chosen(by: names) == [.ring, .ringOlderPaths, .epoll, .poll, .select])
    }

    @Test func namesChoose() throws {
        #expect(try LoopKind.chosen(by: "epoll") == [.epoll])
        let several = try LoopKind.chosen(by: "select,ringOlderPaths,ring,select")
        #expect(several == [.ring, .ringOlderPaths, .select])
    }

    @Test(arguments: ["uring": "uring", "epoll,pol": "pol", "epoll,": "", ",": "", "ring, epoll": " epoll"])
    func aNameThatIsNoneIsAnError(_ names: String, _ wrong: String) {
        let error = #expect(throws: UnknownLoopKind(name: wrong)) { try LoopKind.chosen(by: names) }
        #expect(error?.description.contains("'\(wrong)'") == true)
    }

    @Test(arguments: LoopKind.everywhere)
    func realSocketsAreRefusedWhereLoopsAreSimulated(kind: LoopKind) async throws {
        func isRefused(_ body: () throws -> Void) -> Bool {
            do { try body() } catch { return error is RealSocketOnSimulatedLoop }
            return false
        }
        try await kind.withLoop { loop in
            #expect(isRefused { try SocketPair(.unix).close() } == kind.isSimulated)
            #expect(isRefused { _ = try RawPipe() } == kind.isSimulated)
            // In a task and in a callback too.
            var inCallback: Bool?
            try loop.callSoon { inCallback = isRefused { try testSocket(AF_INET).close() } }
            let inTask = try loop.run {
                await Task.yield()
                return isRefused { _ = try RawPeer(connectedTo: 1) }
            }
            #expect(inTask == kind.isSimulated)
            #expect(inCallback == kind.isSimulated)
        }
    }

    @Test(.exitTest) func aRunWithoutItsLoopsIsNone() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(EX_USAGE),
            observing: [\.standardErrorContent]
        ) {
            setenv("PROACTOR_TEST_LOOPS", "epoll,nonsense", 1)
            print(LoopKind.allCases)
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.contains("'nonsense'"))
    }
}
