import Proactor
import ProactorTesting

extension Scenario {
    /// Children: one that copies its input, one that ends early, one that is killed.
    static let children = Scenario("children") { simulation, book in
        simulation.install("/bin/cat") { child in
            while true {
                let piece = try await child.read(maxCount: 5_000)
                if piece.isEmpty { return 0 }
                try await child.write(piece)
            }
        }
        simulation.install("/bin/head") { child in
            try await child.write(try await child.read(maxCount: 10))
            return 3
        }
        simulation.install("/bin/sleep") { _ in
            try await sleep(for: .seconds(1_000))
            return 0
        }
        let host = try simulation.host("host")
        let size = simulation.choice(below: 200_000)
        var done = 0
        host.start {
            let loop = try getRunningLoop()
            var stream = ByteStream(5)
            let input = stream.next(size)
            let output = try await loop.runProcess("cat", input: input)
            book.expect(output.stdout == input, "cat gave \(output.stdout.count) of \(size) bytes")
            book.expect(output.returnCode == 0, "cat ended with \(output.returnCode)")
            done += 1
        }
        host.start {
            let output = try await getRunningLoop().runProcess(
                "/bin/head",
                input: Array(repeating: 7, count: size)
            )
            book.expect(output.returnCode == 3, "head ended with \(output.returnCode)")
            book.expect(output.stdout.count <= 10, "head gave too much")
            done += 1
        }
        host.start {
            let process = try await getRunningLoop().createSubprocessExec("sleep")
            try await sleep(for: .milliseconds(2))
            _ = try process.kill()
            let code = try await process.wait()
            book.expect(code == -9, "sleep ended with \(code)")
            done += 1
        }
        try simulation.run(until: { done == 3 }, within: .seconds(600))
        try simulation.finish()
    }
}
