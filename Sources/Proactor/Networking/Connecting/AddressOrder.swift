/// The order in which addresses are tried.
enum AddressOrder {
    /// The addresses' families, each once, in the order in which they first come.
    static func families(of addresses: [SocketAddress]) -> [AddressFamily] {
        var families: [AddressFamily] = []
        for address in addresses where !families.contains(address.family) { families.append(address.family) }
        return families
    }

    /// Addresses of each family in turn, in the order of the families' first addresses, so that one family
    /// that does not work costs one attempt at a time: RFC 8305, section 4.
    ///
    /// - Parameter firstFamilyCount: how many of the first family come before the first of another; at least
    ///   one.
    static func interleaved(_ addresses: [SocketAddress], firstFamilyCount: Int) -> [SocketAddress] {
        precondition(firstFamilyCount > 0, "the first family comes first")
        var byFamily = families(of: addresses).map { family in addresses.filter { $0.family == family }[...] }
        guard !byFamily.isEmpty else { return [] }

        var ordered = Array(byFamily[0].prefix(firstFamilyCount - 1))
        byFamily[0] = byFamily[0].dropFirst(firstFamilyCount - 1)
        while ordered.count < addresses.count {
            for index in byFamily.indices {
                if let address = byFamily[index].popFirst() { ordered.append(address) }
            }
        }
        return ordered
    }
}
