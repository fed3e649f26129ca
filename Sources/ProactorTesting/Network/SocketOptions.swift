import Glibc
import Proactor

/// The options of a socket that change what it does, and all others as they were set.
struct SocketOptions {
    private var values: [(option: SocketOption, value: Int32)] = []

    subscript(option: SocketOption) -> Int32? {
        get { values.first { $0.option == option }?.value }
        set {
            values.removeAll { $0.option == option }
            if let newValue { values.append((option, newValue)) }
        }
    }

    func isSet(_ option: SocketOption) -> Bool { (self[option] ?? 0) != 0 }

    /// Whether errors of datagrams are kept in a queue (`IP_RECVERR`, `IPV6_RECVERR`).
    var keepsErrors: Bool {
        isSet(SocketOption(level: Int32(IPPROTO_IP), name: 11))
            || isSet(SocketOption(level: Int32(IPPROTO_IPV6), name: 25))
    }
}
