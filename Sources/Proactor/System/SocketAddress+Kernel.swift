import Glibc
import SystemPackage

extension SocketAddress {
    /// The bytes of a Unix path or name that the kernel has room for, the path's closing zero included.
    static let unixNameCapacity = MemoryLayout<sockaddr_un>.size - unixNameOffset
    private static let unixNameOffset = MemoryLayout<sa_family_t>.size

    /// The address as the kernel wants it, to be kept in memory of its own. Throws EINVAL and ENAMETOOLONG as below.
    func kernelForm() throws(Errno) -> KernelAddress {
        var form = KernelAddress(storage: sockaddr_storage(), length: 0)
        form.length = try write(into: &form.storage)
        return form
    }

    /// Calls `body` with the address as the kernel wants it. Throws ENAMETOOLONG for a Unix path that does not fit, and
    /// EINVAL for one that is empty or holds a zero.
    func withKernelForm<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(Errno) -> Result {
        var storage = sockaddr_storage()
        let length = try write(into: &storage)
        // sockaddr_storage is made to be seen as any sockaddr; the pointer lives for the call.
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// Fills `storage` and returns the length in use.
    func write(into storage: inout sockaddr_storage) throws(Errno) -> socklen_t {
        switch self {
        case .ipv4(let address, let port):
            var form = sockaddr_in()
            form.sin_family = sa_family_t(AF_INET)
            form.sin_port = port.bigEndian
            form.sin_addr.s_addr = address.rawValue.bigEndian
            return Self.copy(form, into: &storage)
        case .ipv6(let address, let port, let flowInfo, let scopeID):
            var form = sockaddr_in6()
            form.sin6_family = sa_family_t(AF_INET6)
            form.sin6_port = port.bigEndian
            form.sin6_flowinfo = flowInfo.bigEndian
            form.sin6_scope_id = scopeID
            form.sin6_addr = address.kernelForm
            return Self.copy(form, into: &storage)
        case .unix(let path):
            // Empty or with a zero in it, a path would name another socket than the caller meant: an abstract one, too.
            guard !path.isEmpty, !path.utf8.contains(0) else { throw .invalidArgument }
            return try Self.writeUnix(Array(path.utf8) + [0], into: &storage)
        case .unixAbstract(let name):
            return try Self.writeUnix([0] + name, into: &storage)
        case .unixUnnamed:
            return try Self.writeUnix([], into: &storage)
        }
    }

    private static func copy<Form>(_ form: Form, into storage: inout sockaddr_storage) -> socklen_t {
        // Every sockaddr form is plain data and fits sockaddr_storage.
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: form) { target.copyMemory(from: $0) }
        }
        return socklen_t(MemoryLayout<Form>.size)
    }

    private static func writeUnix(_ name: [UInt8], into storage: inout sockaddr_storage) throws(Errno)
        -> socklen_t
    {
        guard name.count <= unixNameCapacity else { throw .fileNameTooLong }
        storage.ss_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &storage) { target in
            UnsafeMutableRawBufferPointer(rebasing: target[unixNameOffset...]).copyBytes(from: name)
        }
        return socklen_t(unixNameOffset + name.count)
    }

    /// Reads what the kernel wrote. `nil` for a family that this library does not know.
    init?(_ storage: sockaddr_storage, length: socklen_t) {
        let address: SocketAddress? = withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let form = bytes.loadUnaligned(as: sockaddr_in.self)
                return .ipv4(
                    IPv4Address(rawValue: UInt32(bigEndian: form.sin_addr.s_addr)),
                    port: UInt16(bigEndian: form.sin_port)
                )
            case AF_INET6:
                let form = bytes.loadUnaligned(as: sockaddr_in6.self)
                return .ipv6(
                    IPv6Address(form.sin6_addr),
                    port: UInt16(bigEndian: form.sin6_port),
                    flowInfo: UInt32(bigEndian: form.sin6_flowinfo),
                    scopeID: form.sin6_scope_id
                )
            case AF_UNIX:
                return Self.unixAddress(Array(bytes[min(Self.unixNameOffset, Int(length))..<Int(length)]))
            default:
                return nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    private static func unixAddress(_ name: [UInt8]) -> SocketAddress {
        guard let first = name.first else { return .unixUnnamed }
        if first == 0 { return .unixAbstract(name: Array(name.dropFirst())) }
        return .unix(path: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
    }
}
