import Proactor

extension FuzzTarget {
    /// IP addresses as text.
    static let addresses = FuzzTarget(name: "addresses") {
        { input in
            for text in Self.texts(input) {
                try checkIPv4(text)
                try checkIPv6(text)
                try checkScope(text)
            }
        }
    }

    /// The input as it is, and as text that could be an address for the most part.
    private static func texts(_ input: [UInt8]) -> [String] {
        let alphabet = Array("0123456789abcdefABCDEF::::....%\u{0}".utf8)
        let likely = input.map { alphabet[Int($0) % alphabet.count] }
        return [String(decoding: input, as: UTF8.self), String(decoding: likely, as: UTF8.self)]
    }

    private static func checkIPv4(_ text: String) throws {
        let found = IPv4Address(text)
        let expected = AddressModel.ipv4(Array(text.utf8))
        try demand(
            found?.rawValue == expected,
            "IPv4Address(\(text.debugDescription)) is \(String(describing: found))"
        )
        guard let found else { return }
        try demand(
            IPv4Address(found.description) == found,
            "\(found) is another address when it is read again"
        )
        try demand(
            SocketAddress(numericHost: text, port: 7) == .ipv4(found, port: 7),
            "\(text) is no numeric host"
        )
    }

    private static func checkIPv6(_ text: String) throws {
        let found = IPv6Address(text)
        let expected = AddressModel.ipv6(Array(text.utf8))
        try demand(
            found.map { [$0.high, $0.low] } == expected.map { [$0.high, $0.low] },
            "IPv6Address(\(text.debugDescription)) is \(String(describing: found))"
        )
        guard let found else { return }
        try demand(
            IPv6Address(found.description) == found,
            "\(found) is another address when it is read again"
        )
        let address = SocketAddress.ipv6(found, port: 7, scopeID: 3)
        try demand(
            SocketAddress(numericHost: address.host ?? "", port: 7) == address,
            "\(address) is another address when it is read again"
        )
    }

    /// An interface is a number or a name of the system's, and neither has a zero in it.
    private static func checkScope(_ text: String) throws {
        guard case .ipv6(_, _, _, let scope)? = SocketAddress(numericHost: "::1%" + text, port: 7) else {
            return
        }
        try demand(!text.utf8.contains(0), "the interface \(text.debugDescription) is read up to its zero")
        if let number = UInt32(text) {
            try demand(scope == number, "the interface \(text) is number \(scope)")
        }
    }

    /// Addresses as a kernel writes them, whole, cut and of families that nobody knows.
    static let kernelAddresses = FuzzTarget(name: "kernelAddresses") {
        { input in
            try checkKernelForm(input)
            // Of a family that is known.
            var known = input
            if known.count >= 2 { (known[0], known[1]) = ([1, 2, 10][Int(known[0]) % 3], 0) }
            try checkKernelForm(known)
        }
    }

    private static func checkKernelForm(_ bytes: [UInt8]) throws {
        // The array lends its bytes for the call.
        let address = bytes.withUnsafeBytes { SocketAddress(kernelForm: $0) }
        try demand(
            address?.family.rawValue == AddressModel.family(ofKernelForm: bytes),
            "the address \(bytes) is \(String(describing: address))"
        )
        // What has no form of its own, such as a path that is too long, is refused when it is written.
        guard let address, let form = try? address.kernelForm() else { return }
        let again = withUnsafeBytes(of: form.storage) {
            SocketAddress(kernelForm: .init(rebasing: $0[..<Int(form.length)]))
        }
        try demand(again == address, "\(address) is \(String(describing: again)) when it is read again")
        try demand(
            again.hashValue == Optional(address).hashValue,
            "two equal addresses differ in their hashes"
        )
    }

    /// Paths of Unix sockets as text: every byte shows.
    static let paths = FuzzTarget(name: "paths") {
        { input in
            let path = SocketAddress(unixPath: input)
            try demand(path.pathBytes == input, "the path \(input) has the bytes \(path.pathBytes ?? [])")
            let text = path.description
            try demand(AddressModel.unescaped(text) == input, "the path \(input) is written as \(text)")
            try demand(
                text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
                "what does not show is in \(text.debugDescription)"
            )
            try demand(SocketAddress.unixBytes(path: input) == path, "\(path) differs from its bytes")
            try demand(
                SocketAddress.unixBytes(path: input).hashValue == path.hashValue,
                "two equal addresses differ in their hashes"
            )
        }
    }
}

/// What addresses are, in the simplest way.
enum AddressModel {
    /// Four numbers without leading zeros, with dots between them.
    static func ipv4(_ text: [UInt8]) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let number = number(Array(part), digits: 3, base: 10), number < 256 else { return nil }
            guard part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            value = value << 8 | UInt32(number)
        }
        return value
    }

    /// Eight groups, of which two colons stand for at least one, and an IPv4 address for the last two.
    static func ipv6(_ text: [UInt8]) -> (high: UInt64, low: UInt64)? {
        let colons = text.indices.dropLast().filter {
            text[$0] == UInt8(ascii: ":") && text[$0 + 1] == UInt8(ascii: ":")
        }
        guard colons.count < 2 else { return nil }
        let all: [UInt16]
        if let gap = colons.first {
            guard let front = groups(Array(text[..<gap]), isLast: false),
                let back = groups(Array(text[(gap + 2)...]), isLast: true), front.count + back.count < 8
            else { return nil }
            all = front + Array(repeating: 0, count: 8 - front.count - back.count) + back
        } else {
            guard !text.isEmpty, let found = groups(text, isLast: true), found.count == 8 else { return nil }
            all = found
        }
        func half(_ groups: ArraySlice<UInt16>) -> UInt64 { groups.reduce(0) { $0 << 16 | UInt64($1) } }
        return (half(all[..<4]), half(all[4...]))
    }

    private static func groups(_ text: [UInt8], isLast: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var found: [UInt16] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains(UInt8(ascii: ".")) {
                guard isLast, index == parts.count - 1, let address = ipv4(Array(part)) else { return nil }
                found += [UInt16(address >> 16), UInt16(address & 0xffff)]
            } else {
                guard let number = number(Array(part), digits: 4, base: 16) else { return nil }
                found.append(UInt16(number))
            }
        }
        return found
    }

    /// A number of at least one digit and at most so many.
    private static func number(_ text: [UInt8], digits: Int, base: Int) -> Int? {
        guard (1...digits).contains(text.count) else { return nil }
        var value = 0
        for byte in text {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, digit < base, byte < 128 else {
                return nil
            }
            value = value * base + digit
        }
        return value
    }

    /// The family that an address in a kernel's form has; `nil` for one that is unknown or cut.
    static func family(ofKernelForm bytes: [UInt8]) -> Int32? {
        // Nothing at all is a Unix socket without a name.
        guard bytes.count >= 2 else { return 1 }
        switch Int32(bytes[0]) | Int32(bytes[1]) << 8 {
        case 1: return 1
        case 2: return bytes.count >= 16 ? 2 : nil
        case 10: return bytes.count >= 28 ? 10 : nil
        default: return nil
        }
    }

    /// Takes the escapes back.
    static func unescaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard rest.popFirst() == UInt8(ascii: "x") else {
                bytes.append(byte)
                continue
            }
            bytes.append(UInt8(number(Array(rest.prefix(2)), digits: 2, base: 16) ?? 0))
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
