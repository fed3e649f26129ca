import Foundation
import Glibc
import TestSupport
import Testing

@testable import Proactor

/// Children one after the other. In a process of its own, whose descriptors are counted: a dead child's pidfd says nothing of
/// whose it was.
@Suite struct ManyChildrenTests {
    // Behaviour 39
    @Test(.exitTest) func noneLeavesADescriptorOrAZombie() async {
        await #expect(processExitsWith: .success) {
            waitUntilTheFirstThreadIsSuspended()
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    func openDescriptors() throws -> Int {
                        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
                    }
                    #expect(try loop.outputOfShell("echo once") == "once\n")
                    try loop.settle()
                    let before = try openDescriptors()
                    for number in 0..<10 {
                        // To their ends, killed, stopped and killed, and with a grandchild that keeps the pipes until
                        // its input ends.
                        let commands = [
                            "echo all", "kill -KILL $$", "kill -STOP $$", "exec 3<&0; cat <&3 & exit 3",
                        ]
                        let (child, recorder) = try loop.startShell(commands[number % 4])
                        if number % 4 == 2 {
                            // A child that is stopped has not ended.
                            try loop.rest { stateLetter(of: child.pid) == "T" }
                            try loop.settle()
                            #expect(child.returnCode == nil)
                            try child.kill()
                        }
                        if number % 4 == 3 {
                            try loop.run(recorder, until: { recorder.events.contains(.exited) })
                            #expect(child.returnCode == 3)
                            child.close()
                        }
                        try loop.runToTheEnd(child, recorder)
                    }
                    // The two change places, for which one of them is copied out of the way.
                    var swapped = ProcessOptions()
                    swapped.standardOutput = .descriptor(.standardError)
                    swapped.standardError = .descriptor(.standardOutput)
                    let (child, recorder) = try loop.startShell("exit 0", options: swapped)
                    try loop.runToTheEnd(child, recorder)
                    try loop.turn { loop.openTransports.count == 0 && loop.backend.operationCount == 0 }
                    #expect(try openDescriptors() == before)
                    #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
                }
            }
        }
    }
}
