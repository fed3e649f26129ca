import ArgumentParser
import Foundation
import Proactor
import ProactorTLS
import SystemPackage

/// How the connections of several loops are spread, by the name that it has on the command line.
enum Spreading: String, CaseIterable, ExpressibleByArgument, Sendable {
    case kernel
    case leastBusy = "least-busy"

    var asConnectionSpreading: ConnectionSpreading {
        switch self {
        case .kernel: .byKernel
        case .leastBusy: .leastBusy
        }
    }
}

extension ServeCommand {
    /// Serves with several loops, each on a thread of its own, until told to end.
    func runGroup(over context: TLSContext?, until signals: TerminationSignals) throws {
        var groupOptions = EventLoopGroupOptions(loopCount: loops)
        groupOptions.makeLoop = { [loop] _ in try loop.makeLoop() }
        let group = try EventLoopGroup(groupOptions)
        defer { group.shutdown() }
        var options = ServerOptions(endpoint)
        options.backlog = 4_096
        options.tls = context.map { TLSOptions($0) }
        let (service, messageBytes, upstream, spreading) = (service, messageBytes, upstream ?? 0, spreading)
        let busyTime = Duration.microseconds(busyMicroseconds)
        // It only waits; the group's loops serve.
        let waiting = try SelectorEventLoop(selector: .epoll)
        defer { try? waiting.close() }
        try waiting.runUntilComplete {
            let server = try await group.createServer(options, spreading: spreading.asConnectionSpreading) {
                guard let loop = try getRunningLoop() as? BaseEventLoop else {
                    throw EventLoopError.noRunningLoop
                }
                return busyTime == .zero
                    ? service.makeProtocol(on: loop, messageBytes: messageBytes, upstream: upstream)
                    : BusyEchoConnection(busyTime)
            }
            let ended = waiting.createFuture()
            let boundEnd = LoopBound(ended, of: waiting)
            signals.whenFirstComes { try? boundEnd.post { try $0.setResult(()) } }
            if let address = server.addresses.first {
                FileHandle.standardOutput.write(Data("listening on \(address)\n".utf8))
            }
            try await ended.value()
            server.close()
            server.abortClients()
            try await server.waitClosed()
        }
    }
}
