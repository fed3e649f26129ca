import Proactor
import ProactorTesting
import SystemPackage
import Testing

/// What a host keeps, and what it runs.
@Suite struct HostTests {
    @Test(arguments: SimulatedFace.allCases)
    func aCrashKeepsWhatWasSynchronised(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        let host = try simulation.host("host")
        host.start {
            let loop = try getRunningLoop()
            let safe = try await File.open("/var/safe", .writeOnly, options: .create, on: loop)
            try await safe.write("kept", at: 0)
            try await safe.synchronize()
            let unsafe = try await File.open("/var/unsafe", .writeOnly, options: .create, on: loop)
            try await unsafe.write("lost", at: 0)
            try await sleep(for: .seconds(100))
        }
        try simulation.run(for: .seconds(1))
        #expect(host.contents(ofFile: "/var/unsafe") == Array("lost".utf8))
        host.crash()
        #expect(!host.isUp)
        #expect(host.contents(ofFile: "/var/safe") == Array("kept".utf8))
        #expect(host.contents(ofFile: "/var/unsafe") == nil)
    }

    @Test(arguments: SimulatedFace.allCases)
    func aStoppedHostKeepsEverything(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        let host = try simulation.host("host")
        host.start {
            let file = try await File.open("/tmp/file", .writeOnly, options: .create, on: getRunningLoop())
            try await file.write("there", at: 0)
            try await file.close()
        }
        try simulation.run(for: .seconds(1))
        try host.stop()
        #expect(host.contents(ofFile: "/tmp/file") == Array("there".utf8))
    }

    @Test(arguments: SimulatedFace.allCases)
    func aProgramBeginsAnewAfterARestart(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        let host = try simulation.host("host")
        var starts = 0
        host.start {
            starts += 1
            try await sleep(for: .seconds(1_000))
            Issue.record("a crashed program went on")
        }
        try simulation.run(for: .seconds(1))
        host.crash()
        try simulation.run(for: .seconds(2_000))
        try host.restart()
        try simulation.run(for: .seconds(1))
        #expect(starts == 2)
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func filesOfTheTestAreThere(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        let host = try simulation.host("host")
        try host.makeFolder("/etc/app")
        try host.writeFile("/etc/app/name", Array("proactor".utf8))
        var read: [UInt8] = []
        host.start {
            let file = try await File.open("/etc/app/name", on: getRunningLoop())
            read = try await file.read(count: 100, at: 2)
            #expect(try await file.status().size == 8)
            #expect(try await file.status().kind == .regular)
            try await file.close()
        }
        try simulation.run(for: .seconds(1))
        #expect(read == Array("oactor".utf8))
        #expect(throws: Errno.noSuchFileOrDirectory) { try host.writeFile("/nowhere/file", []) }
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aScriptedProgramIsAChild(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        simulation.install("/bin/rev") { child in
            try await child.write(try await child.readAll().reversed())
            try await child.write(Array(child.arguments.joined(separator: " ").utf8), toStandardError: true)
            return 7
        }
        let host = try simulation.host("host")
        var output: ProcessOutput?
        host.start {
            let loop = try getRunningLoop()
            output = try await loop.runProcess("rev", "-x", input: Array("abc".utf8))
            await #expect(throws: ProcessError.self) { try await loop.runProcess("missing") }
        }
        try simulation.run(until: { output != nil })
        #expect(
            output == ProcessOutput(returnCode: 7, stdout: Array("cba".utf8), stderr: Array("rev -x".utf8))
        )
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aSignalReachesItsHandler(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        let host = try simulation.host("host")
        var signals = 0
        host.start {
            try getRunningLoop().addSignalHandler(.user1) { signals += 1 }
            try await sleep(for: .seconds(100))
        }
        try simulation.run(for: .seconds(1))
        host.send(.user1)
        try simulation.run(for: .seconds(1))
        #expect(signals == 1)
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aProgramThatMakesLoopsGetsSimulatedOnes(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        let host = try simulation.host("host")
        host.start {
            let other = try newEventLoop()
            #expect(other.time() == (try getRunningLoop()).time())
            try other.close()
        }
        try simulation.run(for: .seconds(1))
        try simulation.finish()
    }

    @Test(arguments: SimulatedFace.allCases)
    func aLimitOnDescriptorsHolds(face: SimulatedFace) throws {
        let simulation = Simulation(seed: 4, face: face)
        let host = try simulation.host("host")
        host.descriptorLimit = 2
        var errors: [Errno] = []
        var files: [File] = []
        host.start {
            let loop = try getRunningLoop()
            for path in ["/tmp/a", "/tmp/b", "/tmp/c"] {
                do {
                    files.append(try await File.open(FilePath(path), .writeOnly, options: .create, on: loop))
                } catch let error as FileError {
                    errors.append(error.errno)
                }
            }
        }
        try simulation.run(for: .seconds(1))
        #expect(files.count == 2)
        #expect(errors == [.tooManyOpenFiles])
    }
}
