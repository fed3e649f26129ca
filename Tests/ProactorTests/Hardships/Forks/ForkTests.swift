import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Proactor

/// The host program forks. The child closes what it inherited, and the parent's loop does not notice.
@Suite struct ForkTests {
    // Pitfall 9
    @Test(.exitTest) func aForkThatClosesTheLoopTakesNothingFromItsParent() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in try Self.forkAndClose(loop) }
            }
        }
    }

    private static func forkAndClose(_ loop: BaseEventLoop) throws {
        let directory = try TestDirectory()
        let path = directory.path(of: "socket")
        let server = try loop.run {
            try await loop.createUnixServer(path: path) { RecordingProtocol.echo() }
        }
        let (child, recorder) = try loop.startShell("read line; echo $line")
        let (transport, peer) = try loop.connect(RecordingProtocol.echo())
        try loop.settle()
        let closed = statusOfFork {
            do { try loop.close() } catch { return 3 }
            return 0
        }
        #expect(closed == 0)
        // The server's path is still there, the child is alive, the connection works.
        #expect(FileManager.default.fileExists(atPath: path))
        peer.write("hello")
        try loop.rest {
            peer.read()
            return peer.text == "hello"
        }
        child.getPipeTransport(0)?.write("alive\n")
        try loop.runToTheEnd(child, recorder)
        #expect(recorder.outputText == "alive\n")
        #expect(child.returnCode == 0)
        server.close()
        try loop.finish(transport, peer)
    }

    /// A child that only runs on, and ends by itself, disturbs nobody either.
    @Test(.exitTest) func aForkThatUsesTheLoopIsTold() async {
        await #expect(processExitsWith: .success) {
            for kind in LoopKind.allCases {
                try await kind.withLoop { loop in
                    try loop.turn()
                    let used = statusOfFork {
                        do { try loop.runForever() } catch EventLoopError.usedAfterFork { return 0 } catch {
                            return 4
                        }
                        return 5
                    }
                    #expect(used == 0)
                    // One of its own works there.
                    let made = statusOfFork {
                        guard let fresh = try? kind.makeLoop(), (try? fresh.turn()) != nil else { return 6 }
                        do { try fresh.close() } catch { return 7 }
                        return 0
                    }
                    #expect(made == 0)
                }
            }
        }
    }
}
