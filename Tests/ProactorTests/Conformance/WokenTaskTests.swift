import Testing

@testable import Proactor

/// When a task goes on that a completion has woken.
@Suite struct WokenTaskTests {
    @Test(arguments: LoopKind.allCases)
    func aTaskThatADeliveryWakesGoesOnInTheSameTurn(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let came = loop.createFuture()
            var cameIn: UInt32 = 0
            recorder.onData = { _, _ in
                cameIn = loop.turnNumber
                try came.setResult()
            }
            let waiting = loop.createTask {
                try await came.value()
                return loop.turnNumber
            }
            try loop.settle(turns: 3)
            peer.write("x")
            let wentOnIn = try loop.runUntilComplete(waiting)
            #expect(wentOnIn == cameIn)
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 1
    // Behaviour 2
    @Test(arguments: LoopKind.allCases)
    func itOvertakesNoCallback(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let came = loop.createFuture()
            var order: [String] = []
            var cameIn: UInt32 = 0
            recorder.onData = { _, _ in
                cameIn = loop.turnNumber
                try loop.callSoon { order.append("callback \(loop.turnNumber - cameIn)") }
                try came.setResult()
            }
            let waiting = loop.createTask {
                try await came.value()
                order.append("task \(loop.turnNumber - cameIn)")
            }
            try loop.settle(turns: 3)
            peer.write("x")
            try loop.runUntilComplete(waiting)
            #expect(order == ["callback 1", "task 1"])
            try loop.finish(transport, peer)
        }
    }

    // Behaviour 6
    @Test(arguments: LoopKind.allCases)
    func aStoppedLoopLeavesItForItsNextRun(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (transport, peer) = try loop.connect(recorder)
            let came = loop.createFuture()
            var wentOn = false
            recorder.onData = { _, _ in
                try came.setResult()
                loop.stop()
            }
            let waiting = loop.createTask {
                try await came.value()
                wentOn = true
            }
            try loop.settle(turns: 3)
            peer.write("x")
            try loop.runForever()
            #expect(!wentOn)
            try loop.runUntilComplete(waiting)
            #expect(wentOn)
            try loop.finish(transport, peer)
        }
    }
}
