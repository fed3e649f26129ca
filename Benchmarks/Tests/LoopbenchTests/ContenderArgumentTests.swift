import ArgumentParser
import Testing

@testable import loopbench

struct ContenderArgumentTests {
    @Test func aCommandSaysWhereToListen() throws {
        let tcp = try ContenderArgument("mine=./my-server --at {host}:{port} -n {bytes}")
        #expect(tcp.name == "mine")
        #expect(tcp.template.service == .echo && tcp.template.family == .tcp)
        let place = Contender.Endpoint.tcp(host: "127.0.0.1", port: 4_711)
        let words = ["./my-server", "--at", "127.0.0.1:4711", "-n", "64"]
        #expect(tcp.template.command(endpoint: place, messageBytes: 64) == words)

        let unix = try ContenderArgument("my.server_2:http=node 'my server.js' {path}")
        #expect(unix.name == "my.server_2")
        #expect(unix.template.service == .http && unix.template.family == .unix)
        #expect(
            unix.template.command(endpoint: .unix(path: "/tmp/a b"), messageBytes: 1)
                == ["node", "my server.js", "/tmp/a b"]
        )
    }

    @Test func aServerOverTLSIsGivenACertificate() throws {
        let certificate = try RunCertificate()
        let argument = try ContenderArgument("mine:tls-echo=./s {port} --cert={cert} {key}")
        let (sealed, plain) = try (
            #require(Workload(named: "tls-64Bx1")), #require(Workload(named: "echo-64Bx1"))
        )
        #expect(argument.template.serves(sealed) && !argument.template.serves(plain))
        let contender = Contender(name: "mine", summary: "", program: "", templates: [argument.template])
        #expect(contender.obstacle(to: plain) == "has no command for echo over tcp sockets")
        let place = Contender.Endpoint.tcp(host: "127.0.0.1", port: 4_711)
        #expect(
            contender.command(endpoint: place, for: sealed, certificate: certificate)
                == ["./s", "4711", "--cert=\(certificate.path)", certificate.keyPath]
        )
        let both = try ContenderOptions.parse([
            "--contender", "mine=./s {port}", "--contender", "mine:tls-echo=./s {port} {cert} {key}",
        ])
        let mine = try #require(try both.chosen().last)
        #expect(mine.obstacle(to: sealed) == nil && mine.obstacle(to: plain) == nil)
    }

    @Test func bracesThatAreNoPlaceholderStay() throws {
        let json = try ContenderArgument(#"mine=./s '{"a": 1}' {} {1} {port}"#)
        #expect(json.template.words == ["./s", #"{"a": 1}"#, "{}", "{1}", "{port}"])
    }

    @Test(arguments: [
        ("mine", "no '='"), ("=./s {port}", "no name"), ("a b=./s {port}", "no name"),
        ("ä=./s {port}", "no name"),
        ("epoll=./s {port}", "already"), ("mine=", "no command"), ("mine=  ", "no command"),
        ("mine='' {port}", "no command"),
        ("mine=./s", "neither {port} nor {path}"), ("mine=./s {host}", "neither {port} nor {path}"),
        ("mine=./s {prot}", "'{prot}'"), ("mine=./s {port} {path}", "one --contender for each"),
        ("mine=./s {host} {path}", "one --contender for each"), ("mine=./s '{port}", "never closed"),
        ("mine=./s {port}\\", "backslash"), ("mine:dance=./s {port}", "no service 'dance'"),
        ("mine:=./s {port}", "no service ''"),
        ("mine:tls-sink=./s {port} {cert} {key}", "no service 'tls-sink'"),
        ("mine:tls-echo=./s {port}", "needs {cert} and {key}"),
        ("mine:tls-echo=./s {port} {cert}", "needs {cert} and {key}"),
        ("mine=./s {port} {cert} {key}", "go with a service over TLS"),
    ])
    func nonsenseIsSaidAndEndsWith64(_ text: String, _ part: String) {
        let error = #expect(throws: (any Error).self) {
            try Loopbench.parseAsRoot(["run", "--contender", text])
        }
        guard let error else { return }
        #expect(Loopbench.exitCode(for: error).rawValue == 64)
        #expect(Loopbench.message(for: error).contains(part))
    }

    @Test func severalCommandsMakeOneContender() throws {
        let options = try ContenderOptions.parse([
            "--contender", "mine=./s {port}", "--contender", "other=./o {port}", "--contender",
            "mine=./s -u {path}",
            "--contender", "mine:http=./h {port}", "--contenders", "other,c-epoll",
        ])
        let chosen = try options.chosen()
        #expect(chosen.map(\.name) == ["other", "c-epoll", "mine"])
        let mine = chosen[2]
        #expect(mine.isOwn && mine.templates.count == 3)
        for (name, program) in [("echo-64Bx1", "./s"), ("unix-64Bx1", "./s"), ("http-1", "./h")] {
            let workload = try #require(Workload(named: name))
            #expect(mine.obstacle(to: workload) == nil)
            #expect(mine.templates.first { $0.serves(workload) }?.words.first == program)
        }
        #expect(mine.obstacle(to: try #require(Workload(named: "stream-in-64KiBx1"))) != nil)
    }

    @Test func addedToAllWhereNobodyIsNamed() throws {
        let chosen = try ContenderOptions.parse(["--contender", "mine=./s {port}"]).chosen()
        #expect(chosen.map(\.name) == Contender.catalog.map(\.name) + ["mine"])
    }

    @Test func oneNameForTwoCommandsOfAKindIsRefused() {
        #expect(throws: (any Error).self) {
            try ContenderOptions.parse(["--contender", "mine=./a {port}", "--contender", "mine=./b {port}"])
        }
    }

    @Test(arguments: [
        ("a  b\tc\n", ["a", "b", "c"]), ("'a b'c \"d 'e\"", ["a bc", "d 'e"]),
        (#"a\ b \"c "d\"e""#, ["a b", "\"c", "d\"e"]),
        ("'' \"\"", ["", ""]), (#"'a\b'"#, [#"a\b"#]), ("", []),
    ])
    func wordsAreCutAsAShellDoes(_ line: String, _ words: [String]) throws {
        #expect(try ShellWords.split(line) == words)
    }
}
