/// An address in a word: one of IPv4 as it is, any other as an object, for who keeps many.
struct CompactAddress {
    private enum Form {
        case none
        case ipv4(UInt32, port: UInt16)
        case unixUnnamed
        case other(Boxed)
    }

    private final class Boxed {
        let address: SocketAddress
        init(_ address: SocketAddress) { self.address = address }
    }

    private let form: Form

    init(_ address: SocketAddress?) {
        switch address {
        case nil: form = .none
        case .ipv4(let host, let port): form = .ipv4(host.rawValue, port: port)
        case .unixUnnamed: form = .unixUnnamed
        case .some(let address): form = .other(Boxed(address))
        }
    }

    var address: SocketAddress? {
        switch form {
        case .none: nil
        case .ipv4(let host, let port): .ipv4(IPv4Address(rawValue: host), port: port)
        case .unixUnnamed: .unixUnnamed
        case .other(let boxed): boxed.address
        }
    }
}
