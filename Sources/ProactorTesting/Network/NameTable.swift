import Glibc
import Proactor

/// What names stand for.
struct NameTable {
    private var entries: [(name: String, addresses: [SocketAddress])] = []
    /// Names that no server knows anything of for now.
    var failing: [String] = []

    subscript(name: String) -> [SocketAddress]? {
        get { entries.first { $0.name == name }?.addresses }
        set {
            entries.removeAll { $0.name == name }
            if let newValue { entries.append((name, newValue)) }
        }
    }

    func addressInfo(_ query: AddressQuery, on host: HostKernel) throws(ResolutionError) -> [AddressInfo] {
        let service = query.service
        guard let port = Self.port(of: service) else {
            throw ResolutionError(host: query.host ?? "", service: service, code: .serviceUnknown)
        }
        var addresses = try addresses(of: query, on: host)
        if let family = query.family { addresses.removeAll { $0.family != family } }
        host.world.note(.lookup, host.index, Int64(addresses.count))
        guard !addresses.isEmpty else {
            throw ResolutionError(host: query.host ?? "", service: service, code: .noAddressInFamily)
        }
        let types: [SocketType] = query.type.map { [$0] } ?? [.stream, .datagram]
        return addresses.flatMap { address in
            types.map { type in
                let number = type == .stream ? IPPROTO_TCP : IPPROTO_UDP
                return AddressInfo(
                    address: address.withPort(port),
                    type: type,
                    protocolNumber: query.protocolNumber != 0 ? query.protocolNumber : Int32(number),
                    canonicalName: query.flags.contains(.canonicalName) ? query.host : nil
                )
            }
        }
    }

    private func addresses(of query: AddressQuery, on host: HostKernel) throws(ResolutionError)
        -> [SocketAddress]
    {
        guard let name = query.host else {
            return query.flags.contains(.passive)
                ? [.ipv4(.any, port: 0), .ipv6(.any, port: 0)]
                : [.ipv6(.loopback, port: 0), .ipv4(.loopback, port: 0)]
        }
        if let address = SocketAddress(numericHost: name, port: 0) { return [address] }
        guard !query.flags.contains(.numericHost) else {
            throw ResolutionError(host: name, service: query.service, code: .nameUnknown)
        }
        if name == "localhost" { return [.ipv6(.loopback, port: 0), .ipv4(.loopback, port: 0)] }
        if failing.contains(name) || host.world.choices.happens(.nameFailures) {
            throw ResolutionError(host: name, service: query.service, code: .tryAgain)
        }
        if let addresses = self[name] { return addresses }
        guard let found = host.world.host(named: name) else {
            throw ResolutionError(host: name, service: query.service, code: .nameUnknown)
        }
        return [.ipv4(found.ipv4, port: 0), .ipv6(found.ipv6, port: 0)]
    }

    /// The services that every system knows; `nil` for any other name.
    private static func port(of service: String?) -> UInt16? {
        switch service {
        case nil: 0
        case "http"?: 80
        case "https"?: 443
        case "domain"?: 53
        case "echo"?: 7
        case let number?: UInt16(number)
        }
    }

    func nameInfo(
        of address: SocketAddress,
        _ flags: NameInfoFlags,
        on host: HostKernel
    ) throws(ResolutionError) -> (host: String, service: String) {
        guard let number = address.host, let port = address.port else {
            throw ResolutionError(host: address.description, code: .familyUnsupported)
        }
        guard !flags.contains(.numericHost) else { return (number, "\(port)") }
        let name = entries.first { $0.addresses.contains { $0.host == number } }?.name
        let found = host.world.host(at: address, seenFrom: host)
        return (name ?? (found === host ? "localhost" : found?.name) ?? number, "\(port)")
    }
}
