import Glibc
import SystemPackage
import Testing

@testable import Proactor

/// What a transport or a child process has is nobody else's until it is closed.
@Suite struct OwnedDescriptorTests {
    @Test(arguments: LoopKind.allCases)
    func aDatagramSocketBelongsToItsTransport(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingDatagramProtocol()
            let (made, peer) = try loop.connectEndpoint(recorder)
            try loop.expectOwned(try #require(made.extraInfo(.socket)).descriptor)
            // It goes on undisturbed.
            try peer.send([1], to: made.extraInfo(.socketName))
            try loop.turn(until: { recorder.received == [[1]] })

            let socket = try testSocket(AF_INET, .datagram)
            let given = try loop.run {
                try await loop.createDatagramEndpoint(socket: socket) { RecordingDatagramProtocol() }
                    .transport
            }
            try loop.expectOwned(socket)
            try loop.finish(made, given)
            try loop.descriptors.checkFree(socket)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aDatagramSocketInUseIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let socket = try testSocket(AF_INET, .datagram)
            let task = loop.createTask { try await loop.sockRecvFrom(socket, upTo: 1) }
            try loop.turnUntilWaiting()
            loop.expectRefused {
                _ = try await loop.createDatagramEndpoint(socket: socket) { RecordingDatagramProtocol() }
            }
            task.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            try socket.close()
        }
    }

    @Test(arguments: LoopKind.allCases)
    func pipesBelongToTheirTransports(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let recorder = RecordingProtocol()
            let (reader, first) = try loop.connectReader(recorder)
            let (writer, second) = try loop.connectWriter(RecordingProtocol())
            try loop.expectOwned(first.reading)
            try loop.expectOwned(second.writing)
            first.write("still here".utf8)
            try loop.turn(until: { recorder.text == "still here" })
            reader.close()
            writer.abort()
            try loop.turnUntilClosed(reader)
            try loop.turnUntilClosed(writer)
            try loop.descriptors.checkFree(first.reading)
            try loop.descriptors.checkFree(second.writing)
        }
    }

    @Test(arguments: LoopKind.allCases)
    func aChildsDescriptorsBelongToIt(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let (child, recorder) = try loop.startShell("exec cat")
            // Where the ring waits for it by number, the child itself has none.
            let ownDescriptor = (child as? ChildProcess)?.process?.descriptor
            #expect((ownDescriptor == nil) == loop.backend.waitsForChildren)
            var owned = ownDescriptor.map { [$0] } ?? []
            for number: Int32 in 0...2 {
                let pipe = try #require(child.getPipeTransport(number))
                owned.append(try #require(pipe.extraInfo(.pipe)))
            }
            for descriptor in owned { try loop.expectOwned(descriptor) }
            let input = try #require(child.getPipeTransport(0))
            input.write("through")
            input.close()
            try loop.runToTheEnd(child, recorder)
            #expect(recorder.outputText == "through")
            try loop.settle(turns: 3)
            for descriptor in owned { try loop.descriptors.checkFree(descriptor) }
        }
    }
}

extension BaseEventLoop {
    /// Nobody else can do anything with a descriptor through this loop.
    fileprivate func expectOwned(
        _ descriptor: FileDescriptor,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(throws: EventLoopError.self, sourceLocation: sourceLocation) {
            try self.addReader(descriptor) {}
        }
        #expect(throws: EventLoopError.self, sourceLocation: sourceLocation) {
            try self.addWriter(descriptor) {}
        }
        #expect(throws: EventLoopError.self, sourceLocation: sourceLocation) {
            try self.removeReader(descriptor)
        }
        #expect(throws: EventLoopError.self, sourceLocation: sourceLocation) {
            try self.removeWriter(descriptor)
        }
        let address = SocketAddress.ipv4(.loopback, port: 9)
        let calls: [() async throws -> Void] = [
            { _ = try await self.sockRecv(descriptor, upTo: 1) },
            { _ = try await self.sockRecvFrom(descriptor, upTo: 1) },
            { try await self.sockSendAll(descriptor, "x") },
            { try await self.sockSendTo(descriptor, "x", to: address) },
            { try await self.sockConnect(descriptor, to: address) },
            { _ = try await self.sockAccept(descriptor) },
            { _ = try await self.connectAcceptedSocket(descriptor) { RecordingProtocol() } },
            { _ = try await self.connectReadPipe(descriptor) { RecordingProtocol() } },
            { _ = try await self.connectWritePipe(descriptor) { RecordingProtocol() } },
            { _ = try await self.createDatagramEndpoint(socket: descriptor) { RecordingDatagramProtocol() } },
        ]
        for call in calls { expectRefused(sourceLocation: sourceLocation, call) }
    }

    fileprivate func expectRefused(
        sourceLocation: SourceLocation = #_sourceLocation,
        _ call: @escaping () async throws -> Void
    ) {
        let error = #expect(throws: EventLoopError.self, sourceLocation: sourceLocation) {
            try self.run(call)
        }
        guard case .invalidState? = error else {
            Issue.record("\(String(describing: error))", sourceLocation: sourceLocation)
            return
        }
    }
}
