import CLoad
import Foundation
import Testing

@testable import loopbench

/// What a measurement says is what happened in its window: not before, and not after.
struct WindowTests {
    /// The warm-up is as long as the window, so that about half of all belongs to it: the load asks for the time, by which it
    /// passes here, a little more often in the window.
    @Test(arguments: ["unix-64Bx2", "unix-churn-64Bx2", "unix-stream-in-64Bx1", "unix-64Bx2@2000"])
    func warmingUpIsNotCounted(_ name: String) throws {
        let sinks = name.contains("stream")
        let server = try PliantServer(messageBytes: 64) { server, message in
            if !sinks { server.answer(message.connection, message.bytes) }
        }
        let measured = try server.drive(name, seconds: 0.1, warmUp: 0.1)
        let part = Double(measured.requests) / Double(server.messages)
        #expect(part > 0.3 && part < 0.6, "\(measured.requests) of \(server.messages)")
        if name.contains("@") { #expect(measured.scheduled == 200) }
    }

    @Test(arguments: ["udp-64Bx2", "udp-pipelined-64Bx2x4", "udp-plain-64Bx2x4"])
    func warmingUpIsNotCountedOfDatagrams(_ name: String) throws {
        let server = LossyEcho()
        let workload = try #require(Workload(named: name))
        let measured = try server.drive(workload, seconds: 0.5, warmUp: 0.5)
        #expect(Double(measured.requests) < 0.7 * Double(server.count))
    }

    /// A window that ends late is as long as it was.
    @Test func theWindowIsAsLongAsItWas() throws {
        let server = try PliantServer(messageBytes: 64) { server, message in
            if message.index == 100 { server.nanoseconds += 500_000_000 }
            server.answer(message.connection, message.bytes)
        }
        let measured = try server.drive("unix-64Bx1", seconds: 0.1)
        #expect((500_000_000...610_000_000).contains(measured.windowNanoseconds))
    }

    /// This process is server and load here. What it uses before the window is not the window's.
    @Test func processorTimeIsThatOfTheWindow() throws {
        let (before, within) = (UInt64(150_000_000), UInt64(50_000_000))
        let server = try PliantServer(messageBytes: 64) { server, message in
            if message.index == 10 { Self.use(before) }
            // In the window, which begins after half a second.
            if server.nanoseconds > 1_600_000_000, message.index % 1_000 == 0 { Self.use(within) }
            server.answer(message.connection, message.bytes)
        }
        let start = (process: Self.used(CLOCK_PROCESS_CPUTIME_ID), thread: Self.used(CLOCK_THREAD_CPUTIME_ID))
        let measured = try server.drive("unix-64Bx1", seconds: 0.5, warmUp: 0.5, processID: getpid())
        let process = Self.used(CLOCK_PROCESS_CPUTIME_ID) - start.process
        let thread = Self.used(CLOCK_THREAD_CPUTIME_ID) - start.thread
        #expect(measured.loadCPUNanoseconds >= within && measured.loadCPUNanoseconds + before <= thread)
        // Those of other threads are counted as the kernel gets to it.
        #expect(measured.serverCPUNanoseconds >= within / 2)
        #expect(measured.serverCPUNanoseconds + before / 2 <= process)
    }

    /// So is that of children, in the kernel's ticks. 300 ms were used before it, and 250 in it.
    @Test func processorTimeOfChildrenIsThatOfTheWindow() throws {
        let processes = try SimulatedProcesses()
        try processes.set(getpid(), parent: 1, reapedMilliseconds: 300)
        let start = Self.used(CLOCK_PROCESS_CPUTIME_ID)
        let server = try PliantServer(messageBytes: 64) { server, message in
            // The window begins after half a second.
            if server.nanoseconds > 1_600_000_000, message.index % 1_000 == 0 {
                try? processes.set(getpid(), parent: 1, reapedMilliseconds: 550)
            }
            server.answer(message.connection, message.bytes)
        }
        server.processFolder = processes.folder.path
        let measured = try server.drive("unix-64Bx1", seconds: 0.5, warmUp: 0.5, processID: getpid())
        let own = Self.used(CLOCK_PROCESS_CPUTIME_ID) - start
        #expect(measured.serverCPUNanoseconds >= 250_000_000)
        #expect(measured.serverCPUNanoseconds <= 250_000_000 + own)
    }

    /// A quota that stops all for a while is as bad as other load.
    @Test func whatAQuotaTookIsSeen() throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-test-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "cpu.stat").path
        for (name, unit) in [("throttled_usec", 1), ("throttled_time", 1_000)] {
            func count(milliseconds: Int) {
                let text = "nr_periods 7\n\(name) \(milliseconds * 1_000 * unit)\n"
                try? Data(text.utf8).write(to: URL(filePath: file))
            }
            count(milliseconds: 300)
            let server = try PliantServer(messageBytes: 64) { server, message in
                if message.index == 100 { count(milliseconds: 340) }
                server.answer(message.connection, message.bytes)
            }
            server.throttleFile = file
            let measured = try server.drive("unix-64Bx1", seconds: 0.2)
            #expect(abs(try #require(measured.throttled) - 0.2) < 0.01)
            #expect(measured.isContested)
        }
        #expect(cload_throttled_ns(folder.appending(path: "none").path) == 0)
    }

    /// Of two CPUs for a second, 1.5 were used, 0.6 by the server and 0.4 by the load. And 0.2 by interrupts.
    @Test func whatNobodyOfUsUsedIsOthers() throws {
        let histogram = try #require(cload_histogram_create())
        defer { cload_histogram_destroy(histogram) }
        var result = cload_result()
        (result.window_ns, result.task_ns, result.interrupt_ns) = (1_000_000_000, 1_500_000_000, 200_000_000)
        (result.server_cpu_ns, result.load_cpu_ns) = (600_000_000, 400_000_000)
        (result.load_waiting_ns, result.steal_ns) = (30_000_000, 40_000_000)
        func measurement(interruptsApart: Bool) -> loopbench.Measurement {
            loopbench.Measurement(
                result,
                latency: histogram,
                contender: "a",
                round: 1,
                interruptsApart: interruptsApart
            )
        }
        #expect(abs(measurement(interruptsApart: true).otherLoad - 0.5) < 1e-9)
        #expect(abs(measurement(interruptsApart: false).otherLoad - 0.7) < 1e-9)
        #expect(abs(measurement(interruptsApart: true).loadWaiting - 0.03) < 1e-9)
        #expect(abs(measurement(interruptsApart: true).stolen - 0.04) < 1e-9)
        result.task_ns = 0
        #expect(measurement(interruptsApart: true).otherLoad == 0)
    }

    private static func use(_ nanoseconds: UInt64) {
        let end = used(CLOCK_THREAD_CPUTIME_ID) + nanoseconds
        while used(CLOCK_THREAD_CPUTIME_ID) < end {}
    }

    private static func used(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
