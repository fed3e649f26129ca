import Foundation
import Testing

@testable import loopbench

/// Servers over TLS as processes, and what they are given.
struct TLSContenderTests {
    @Test func aCertificateGoesWithItsRun() throws {
        let folder: URL
        do {
            let certificate = try RunCertificate()
            folder = URL(filePath: certificate.path).deletingLastPathComponent()
            let key = try FileManager.default.attributesOfItem(atPath: certificate.keyPath)
            #expect(key[.posixPermissions] as? Int == 0o600)
            #expect(try RunCertificate.ifNeeded(for: Workload.core) == nil)
            #expect(try RunCertificate.ifNeeded(for: Workload.catalog) != nil)
            let text = try String(contentsOfFile: certificate.path, encoding: .utf8)
            #expect(text.hasPrefix("-----BEGIN CERTIFICATE-----"))
            let other = try RunCertificate()
            #expect(try text != String(contentsOfFile: other.path, encoding: .utf8))
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path))
        let failure = #expect(throws: RunCertificate.Failure.self) {
            try RunCertificate(in: URL(filePath: "/nowhere"))
        }
        #expect(failure?.description.contains("/nowhere") == true)
    }

    @Test func thoseWhoSpeakTLSAreThere() throws {
        let names = Contender.catalog.filter { $0.tlsServices[.echo] != nil }.map(\.name)
        let expected = [
            "c-ring-tls", "c-epoll-tls", "proactor", "epoll", "poll", "select", "swift-nio",
            "swift-nio-proactor", "asyncio",
            "uvloop",
        ]
        #expect(names == expected)
        let certificate = try RunCertificate()
        let somewhere = Contender.Endpoint.tcp(host: "127.0.0.1", port: 0)
        for name in ["tls-64Bx1", "tls-full-64Bx1", "tls-resumed-64Bx1", "tls-idle-5"] {
            let workload = try #require(Workload(named: name))
            for contender in Contender.catalog where contender.obstacle(to: workload) == nil {
                let command = contender.command(endpoint: somewhere, for: workload, certificate: certificate)
                #expect(command.contains(["--tls", certificate.path, certificate.keyPath]))
            }
        }
        // Its plain services are not told of it.
        let plain = try #require(Workload(named: "echo-64Bx1"))
        let epoll = try #require(Contender.catalog.first { $0.name == "epoll" })
        #expect(!epoll.command(endpoint: somewhere, for: plain, certificate: certificate).contains("--tls"))
        let twin = try #require(Contender.catalog.first { $0.name == "c-ring-tls" })
        #expect(twin.obstacle(to: plain) == "has no echo service")
        let async = try #require(Contender.catalog.first { $0.name == "epoll-async" })
        #expect(async.obstacle(to: try #require(Workload(named: "tls-64Bx1"))) == "has no tls-echo service")
    }

    /// Every server that is here, as a process.
    @Test(
        arguments: Contender.catalog.filter { $0.tlsServices[.echo] != nil && $0.missing == nil }.map(\.name)
    )
    func contendersEcho(_ name: String) throws {
        let certificate = try RunCertificate()
        let contender = try #require(Contender.catalog.first { $0.name == name })
        for workload in [
            "tls-64Bx3", "unix-tls-40000Bx2", "tls-full-64Bx2", "tls-resumed-64Bx2", "tls-idle-3",
        ] {
            let workload = try #require(Workload(named: workload))
            let server = try ServerProcess.start(
                contender,
                for: workload,
                cpu: -1,
                within: 60,
                certificate: certificate
            )
            var measured: loopbench.Measurement?
            // Beside other tests a server may not have its turn for long.
            for seconds in [0.05, 1, 10] where measured?.requests ?? 0 == 0 {
                var generator = LoadGenerator(warmUpSeconds: 0, windowSeconds: seconds)
                generator.certificate = certificate
                measured = try generator.measure(
                    workload,
                    contender: name,
                    round: 1,
                    endpoint: server.endpoint,
                    processID: server.processID
                )
            }
            try server.stop()
            let found = try #require(measured)
            #expect(found.requests > 0 && found.errors == 0 && found.corruptions == 0, "\(workload.name)")
        }
    }

    @Test(arguments: [
        (["{cert}", "/nowhere"], "/nowhere could not be read"),
        (["/nowhere", "{key}"], "/nowhere could not be read"),
        (["{key}", "{key}"], "there is no certificate in it"),
        (["{cert}", "{other}"], "the private key is not the certificate's"),
        (["{cert}"], "--tls takes two files"), (["{cert}", "{key}", "{key}"], "--tls takes two files"),
    ])
    func aBadFileIsToldOfInASentence(_ files: [String], _ problem: String) throws {
        let (certificate, other) = try (RunCertificate(), RunCertificate())
        let paths = files.map {
            $0.replacing("{cert}", with: certificate.path).replacing("{key}", with: certificate.keyPath)
                .replacing("{other}", with: other.keyPath)
        }
        let words = [Program.sibling("loopbench"), "serve", "echo", "--loop", "epoll", "--tls"] + paths
        let tool = try ChildProcess(words, cpu: -1, announces: true)
        #expect(tool.readAll(until: .now + .seconds(60)) == "")
        guard case .status(let status) = tool.stop(by: 0, within: 60) else {
            Issue.record("it did not end")
            return
        }
        #expect(status == (problem.hasPrefix("--tls") ? 64 : 1))
        #expect(tool.lastWords.contains(problem), "\(tool.lastWords)")
    }

    @Test(arguments: ["udp-echo", "sock-echo"])
    func someServicesStayPlain(_ service: String) {
        let words = ["serve", service, "--loop", "epoll", "--tls", "cert.pem", "key.pem"]
        let error = #expect(throws: (any Error).self) { try Loopbench.parseAsRoot(words) }
        #expect(error.map { Loopbench.message(for: $0).contains("\(service) does not take --tls") } == true)
    }
}
