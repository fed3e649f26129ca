extension BaseEventLoop {
    nonisolated(nonsending) public func startTLS(
        _ transport: any Transport,
        _ connectionProtocol: any ConnectionProtocol,
        _ options: TLSOptions,
        side: TLSSide
    ) async throws -> any Transport {
        try checkMayBegin("startTLS")
        let upgraded = try beginTLS(transport, connectionProtocol, options, side: side) { _ in }
        try await upgraded.untilOpen()
        return upgraded
    }

    /// Puts TLS on a transport and begins the handshake.
    ///
    /// - Parameters:
    ///   - prepare: called when nothing is in the way any more, and before anything else happens.
    func beginTLS(
        _ transport: any Transport,
        _ connectionProtocol: any ConnectionProtocol,
        _ options: TLSOptions,
        side: TLSSide,
        prepare: (TLSTransport) -> Void
    ) throws -> TLSTransport {
        guard !transport.isClosing else {
            throw EventLoopError.invalidState("startTLS was called on a transport that is closing")
        }
        let own = transport as? any LayeredTransport
        if let own {
            guard own.loop === self else {
                throw EventLoopError.invalidArgument("\(own) belongs to another event loop")
            }
            try own.checkTakesFilter()
        }
        let start = TLSStart(options, engine: try options.makeEngine(side), side: side)
        let upgraded = start.makeTransport(for: connectionProtocol, on: self, isUpgrade: true)
        prepare(upgraded)
        // A pause that the protocol was told of is over when this transport says so, whose marks count from here on.
        let isPaused =
            own?.isWritingPaused ?? (transport.writeBufferSize > transport.getWriteBufferLimits().high)
        let isItsProtocol = transport.getProtocol() === connectionProtocol
        upgraded.flow.isPaused = isPaused && isItsProtocol
        upgraded.isBelowPaused = own == nil && isPaused
        upgraded.mayOweResume = own == nil && !isPaused && isItsProtocol
        // First: a transport of somebody else's may deliver as soon as it has the protocol.
        upgraded.begin(on: transport)
        transport.setProtocol(upgraded)
        upgraded.openHeld()
        // What came in a pause of the former protocol's is the peer's first records.
        transport.resumeReading()
        return upgraded
    }
}
