/// What a connection needs to begin with TLS.
struct TLSStart {
    private let options: TLSOptions
    private let engine: any TLSEngine
    private let side: TLSSide

    init(_ options: TLSOptions, engine: any TLSEngine, side: TLSSide) {
        self.options = options
        self.engine = engine
        self.side = side
    }

    /// The protocol of the transport below, and the transport of `connectionProtocol`.
    func makeTransport(
        for connectionProtocol: any ConnectionProtocol,
        on loop: BaseEventLoop,
        isUpgrade: Bool = false
    ) -> TLSTransport {
        TLSTransport(
            loop: loop,
            engine: engine,
            side: side,
            options: options,
            connectionProtocol: connectionProtocol,
            isUpgrade: isUpgrade
        )
    }
}
