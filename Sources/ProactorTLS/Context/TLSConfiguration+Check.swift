import Proactor

extension TLSConfiguration {
    private static let protocolLengthMax = 255
    private static let protocolsSizeMax = 65_535
    private static let ticketsMax = 16

    /// Finds what makes no sense before the library is asked.
    func check(for side: TLSSide) throws(TLSError) {
        func refuse(_ reason: String) -> TLSError { TLSError(.context, .invalidSetting(reason), side: side) }
        guard minimumVersion <= maximumVersion else {
            throw refuse(
                "the oldest version is newer than the newest one; change minimumVersion or maximumVersion"
            )
        }
        guard (certificateChain == nil) == (privateKey == nil) else {
            throw refuse("a certificate needs its key and a key its certificate; give both or none")
        }
        guard (0...Self.ticketsMax).contains(ticketCount) else {
            throw refuse("\(ticketCount) tickets cannot be sent; choose 0 to \(Self.ticketsMax)")
        }
        guard rememberedServers >= 0 else {
            throw refuse("\(rememberedServers) servers cannot be remembered; choose 0 or more")
        }
        try checkProtocols(refuse)
        try check(side, refuse)
    }

    private func checkProtocols(_ refuse: (String) -> TLSError) throws(TLSError) {
        for name in applicationProtocols where !(1...Self.protocolLengthMax).contains(name.utf8.count) {
            throw refuse(
                "an application protocol's name has 1 to \(Self.protocolLengthMax) bytes, and one has \(name.utf8.count)"
            )
        }
        guard applicationProtocols.reduce(0, { $0 + $1.utf8.count + 1 }) <= Self.protocolsSizeMax else {
            throw refuse("the application protocols' names are too long together; offer fewer")
        }
    }

    private func check(_ side: TLSSide, _ refuse: (String) -> TLSError) throws(TLSError) {
        switch side {
        case .client:
            guard clientCertificates == .notAskedFor else {
                throw refuse(
                    "a client cannot ask for clients' certificates; leave clientCertificates, or make a server's context"
                )
            }
            guard chooseContext == nil else {
                throw refuse(
                    "a client does not choose by server name; leave chooseContext, or make a server's context"
                )
            }
        case .server:
            guard certificateChain != nil else {
                throw refuse("a server needs a certificate; give certificateChain and privateKey")
            }
        }
    }
}
