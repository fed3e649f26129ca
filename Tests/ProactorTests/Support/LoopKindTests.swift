import Glibc
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
