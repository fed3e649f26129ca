import Glibc
import SystemPackage

extension LinuxSystemCalls {
    func addressInfo(_ query: AddressQuery) throws(ResolutionError) -> [AddressInfo] {
        for text in [query.host, query.service] where text?.utf8.contains(0) == true {
            // C would look the part before it up, which is another name.
            throw ResolutionError(host: query.host ?? "", service: query.service, code: .nameUnknown)
        }
        if let service = query.service, service.isEmpty || Int(service) != nil && UInt16(service) == nil {
            // C would take what is left of the number in 16 bits, and nothing for zero.
            throw ResolutionError(host: query.host ?? "", service: service, code: .serviceUnknown)
        }
        var hints = addrinfo()
        hints.ai_family = query.family?.rawValue ?? AF_UNSPEC
        hints.ai_socktype = query.type?.rawValue ?? 0
        hints.ai_protocol = query.protocolNumber
        hints.ai_flags = query.flags.rawValue
        if query.host?.utf8.contains(where: { $0 > 127 }) == true { hints.ai_flags |= Self.internationalName }

        var list: UnsafeMutablePointer<addrinfo>?
        let result = Glibc.getaddrinfo(query.host, query.service, &hints, &list)
        guard result == 0 else {
            let systemError = result == EAI_SYSTEM ? Errno(rawValue: errno) : nil
            throw ResolutionError(
                host: query.host ?? "",
                service: query.service,
                code: .init(rawValue: result),
                errno: systemError
            )
        }
        defer { freeaddrinfo(list) }
        return sequence(first: list, next: { $0?.pointee.ai_next }).compactMap {
            $0.flatMap { Self.answer($0.pointee) }
        }
    }

    func nameInfo(
        of address: SocketAddress,
        flags: NameInfoFlags
    ) throws(ResolutionError) -> (host: String, service: String) {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var service = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        var result = EAI_FAMILY
        // Of a Unix socket glibc would say the machine's name and the path: nothing that can be looked up
        // again.
        if address.family != .unix {
            result =
                (try? address.withKernelForm { form, length in
                    Glibc.getnameinfo(
                        form,
                        length,
                        &host,
                        socklen_t(host.count),
                        &service,
                        socklen_t(service.count),
                        flags.rawValue
                    )
                }) ?? EAI_FAMILY
        }
        guard result == 0 else {
            let systemError = result == EAI_SYSTEM ? Errno(rawValue: errno) : nil
            throw ResolutionError(
                host: address.description,
                code: .init(rawValue: result),
                errno: systemError
            )
        }
        return (Self.text(host), Self.text(service))
    }

    /// `AI_IDN`: names in other letters than ASCII's.
    private static var internationalName: Int32 { 0x40 }

    /// `nil` for a family that this library does not know.
    private static func answer(_ info: addrinfo) -> AddressInfo? {
        guard let bytes = info.ai_addr, info.ai_addrlen <= MemoryLayout<sockaddr_storage>.size else {
            return nil
        }
        var storage = sockaddr_storage()
        // The list owns ai_addrlen bytes there, and they fit: see above.
        withUnsafeMutableBytes(of: &storage) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: Int(info.ai_addrlen)))
        }
        guard let address = SocketAddress(storage, length: info.ai_addrlen) else { return nil }
        return AddressInfo(
            address: address,
            type: SocketType(rawValue: info.ai_socktype),
            protocolNumber: info.ai_protocol,
            canonicalName: info.ai_canonname.map { String(cString: $0) }
        )
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
