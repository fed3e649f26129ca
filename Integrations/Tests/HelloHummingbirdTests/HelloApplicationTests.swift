import HelloHummingbird
import IntegrationOptions
import IntegrationTesting
import Testing

/// Hummingbird over each kind of loops, driven by curl.
@Suite struct HelloApplicationTests {
    @Test(arguments: LoopGroup.allCases)
    func routesAnswer(group: LoopGroup) async throws {
        let application = try await RunningApplication(group)
        #expect(try await application.curl("/").text == "hello, world\n")
        #expect(try await application.curl("/hello/Anna").text == "hello, Anna\n")
        // Two on one connection.
        let twice = try await application.curl("/hello/Anna", ["http://localhost:\(application.port)/"])
        #expect(twice.text.hasSuffix("hello, Anna\n") && twice.text.hasPrefix("hello, world\n"))
        // What is not found is curl's status 22.
        #expect(try await application.curl("/nothing").status == 22)
        await application.end()
    }

    @Test(arguments: LoopGroup.allCases)
    func answersHaveTheirHeaders(group: LoopGroup) async throws {
        let application = try await RunningApplication(group)
        let head = try await application.curl("/", ["--head", "--request", "GET"]).text.lowercased()
        #expect(head.hasPrefix("http/1.1 200"))
        #expect(head.contains("\r\ncontent-length: 13\r\n"))
        #expect(head.contains(/\r\ndate: [a-z]{3}, \d\d [a-z]{3} \d{4} \d\d:\d\d:\d\d gmt\r\n/))
        await application.end()
    }

    @Test(arguments: LoopGroup.allCases)
    func aLargeBodyComesBackWhole(group: LoopGroup) async throws {
        let application = try await RunningApplication(group)
        let body = String(repeating: "abcdefghij", count: 10_000)
        let answer = try await application.curl("/echo", ["--data-binary", body])
        #expect(answer.text == body)
        await application.end()
    }

    @Test(arguments: LoopGroup.allCases)
    func tlsServesWhoTrustsTheCertificate(group: LoopGroup) async throws {
        let identity = try await TestCertificate()
        let files = TLSFiles(certificate: identity.certificate, key: identity.key)
        let application = try await RunningApplication(group, loops: 2, tls: files)
        let trusting = ["--cacert", identity.certificate]
        #expect(try await application.curl("/hello/Anna", scheme: "https", trusting).text == "hello, Anna\n")
        // Who does not trust it ends with curl's status 60.
        #expect(try await application.curl("/", scheme: "https").status == 60)
        await application.end()
    }

    @Test(arguments: LoopGroup.proactors)
    func handlersRunOnTheLoopsOfOnePort(group: LoopGroup) async throws {
        let application = try await RunningApplication(group, loops: 4)
        let threads = try await withThrowingTaskGroup(of: String.self) { clients in
            for _ in 0..<32 { clients.addTask { try await application.curl("/thread").text } }
            return try await clients.reduce(into: Set<String>()) { $0.insert($1) }
        }
        // By the kernel's hash: that one loop of four gets all of 32 does not happen.
        #expect(threads.count > 1)
        #expect(threads.isSubset(of: (0..<4).map { "loop-\($0)\n" }))
        await application.end()
    }

    @Test(arguments: LoopGroup.proactors)
    func aPortThatIsTakenEndsTheApplication(group: LoopGroup) async throws {
        let application = try await RunningApplication(.nio)
        var options = ServerOptions()
        options.group = group
        options.port = application.port
        options.loops = 2
        await #expect(throws: (any Error).self) {
            try await HelloApplication(options) { _ in }.run(until: [])
        }
        await application.end()
    }

    @Test(arguments: LoopGroup.allCases)
    func theProgramEndsGracefullyBySIGTERM(group: LoopGroup) async throws {
        let options = ["--group", group.rawValue, "--port", "0", "--loops", "2"]
        let status = try await Program(product: "hummingbird-hello", options).runServer { line in
            #expect(line.hasPrefix("listening on 127.0.0.1:"))
            let port = try #require(line.split(separator: ":").last)
            let answer = try await Program("curl", ["--silent", "http://127.0.0.1:\(port)/"]).run()
            #expect(answer.text == "hello, world\n")
        }
        #expect(status == 0)
    }

    @Test func theProgramSaysWhatIsWrongWithItsArguments() async throws {
        let output = try await Program(product: "hummingbird-hello", ["--group", "other"]).run()
        #expect(output.status == 64)
    }
}
