import CLoad
import Foundation
import Testing

@testable import loopbench

/// A server's CPU time is that of its children too: of those that live, and of those that came and went.
struct FamilyTests {
    /// 10 has 20 and 30, one for each of its threads, and 20 has 40. 99 is a stranger.
    private static func family(listed: Bool) throws -> SimulatedProcesses {
        let family = try SimulatedProcesses()
        try family.set(10, parent: 1, reapedMilliseconds: 100, children: listed ? [[20], [30]] : nil)
        try family.set(20, parent: 10, reapedMilliseconds: 50, children: listed ? [[40]] : nil)
        try family.set(30, parent: 10, children: listed ? [[]] : nil)
        try family.set(40, parent: 20, reapedMilliseconds: 20, children: listed ? [[]] : nil)
        try family.set(99, parent: 1, reapedMilliseconds: 5_000, children: listed ? [[]] : nil)
        family.usedMilliseconds = [10: 7_000, 20: 1_000, 30: 300, 40: 40, 99: 9_000]
        return family
    }

    /// Kernels without CONFIG_PROC_CHILDREN say whose child a process is, and not which it has.
    @Test(arguments: [true, false])
    func everybodyIsCountedOnce(_ listed: Bool) throws {
        let family = try Self.family(listed: listed)
        // The process itself has a clock that is read apart.
        #expect(family.descendantsMilliseconds(of: 10) == 1_000 + 300 + 40 + 100 + 50 + 20)
        #expect(family.descendantsMilliseconds(of: 20) == 40 + 50 + 20)
        #expect(family.descendantsMilliseconds(of: 40) == 20)
        #expect(family.descendantsMilliseconds(of: 12_345) == 0)
    }

    /// What somebody has used moves to its parent when it ends, and with it what its own children had.
    @Test(arguments: [true, false])
    func whoEndsIsStillCounted(_ listed: Bool) throws {
        let family = try Self.family(listed: listed)
        let before = family.descendantsMilliseconds(of: 10)
        family.usedMilliseconds[40] = 60
        try family.end(40)
        try family.set(20, parent: 10, reapedMilliseconds: 50 + 60 + 20, children: listed ? [[]] : nil)
        #expect(family.descendantsMilliseconds(of: 10) == before + 20)
        // Another one has come and gone since.
        try family.set(
            10,
            parent: 1,
            reapedMilliseconds: 100 + 250,
            children: listed ? [[20], [30]] : nil
        )
        #expect(family.descendantsMilliseconds(of: 10) == before + 20 + 250)
    }

    /// It is there when the children are listed, and gone when its time is asked for: in that order of looks it would be
    /// missed.
    @Test(arguments: [true, false])
    func whoEndsMeanwhileIsCountedOnce(_ listed: Bool) throws {
        let family = try Self.family(listed: listed)
        let before = family.descendantsMilliseconds(of: 10)
        var looks = 0
        family.beforeLook = { family, process in
            guard process == 40 else { return }
            looks += 1
            try? family.end(40)
            try? family.set(20, parent: 10, reapedMilliseconds: 50 + 40 + 20, children: listed ? [[]] : nil)
        }
        #expect(family.descendantsMilliseconds(of: 10) == before)
        #expect(looks == 1)
    }

    /// Whoever makes children faster than they can be looked at costs no more than a few looks.
    @Test func lookingEnds() throws {
        let family = try Self.family(listed: true)
        family.usedMilliseconds[30] = nil
        var looks = 0
        family.beforeLook = { _, process in if process == 30 { looks += 1 } }
        #expect(family.descendantsMilliseconds(of: 10) == 1_000 + 40 + 100 + 50 + 20)
        #expect((2...10).contains(looks))
    }

    /// The kernel's own word: a shell whose child counts, and ends before anybody looks.
    @Test func theKernelKeepsTheTimeOfThoseWhoEnded() throws {
        let count = "(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done); echo over; exec sleep 60"
        let child = try ChildProcess(["sh", "-c", count], cpu: -1, announces: true)
        guard case .whole("over") = child.readLine(until: .now + .seconds(120)) else {
            _ = child.stop(by: SIGKILL, within: 1)
            Issue.record("the shell did not count to its end")
            return
        }
        let (used, its) = (cload_cpu_ns(child.processID, -1), cload_descendants_cpu_ns(nil, child.processID))
        _ = child.stop(by: SIGKILL, within: 1)
        // Starting a shell and a program takes less, counting takes more.
        #expect(its >= 20_000_000 && used >= its)
    }
}
