/// What is looked up: see ``NetworkEventLoop/getaddrinfo(host:service:family:type:protocolNumber:flags:)``.
struct AddressQuery: Sendable {
    var host: String?
    var service: String?
    var family: AddressFamily?
    var type: SocketType?
    var protocolNumber: Int32 = 0
    var flags: AddressInfoFlags = []

    /// Whether it says itself what it asks for, so that nobody has to be asked.
    var isNumeric: Bool {
        if let host, SocketAddress(numericHost: host, port: 0) == nil { return false }
        guard let service else { return true }
        return UInt16(service) != nil
    }
}
