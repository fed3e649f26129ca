import Glibc
import SystemPackage

extension SocketAddress {
    /// The bytes of a Unix path or name that the kernel has room for, the path's closing zero included.
    static let unixNameCapacity = MemoryLayout<sockaddr_un>.size - unixNameOffset
    private static let unixNameOffset = MemoryLayout<sa_family_t>.size

    /// The address as the kernel wants it, to be kept in memory of its own. Throws EINVAL and ENAMETOOLONG as below.
    package func kernelForm() throws(Errno) -> KernelAddress {
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
        let failure: Errno?
        var length = 0
        (length, failure) = withUnsafeMutableBytes(of: &storage) { target in
            // The storage has room for any address.
            do throws(Errno) { return (try write(to: target.baseAddress!), nil) } catch { return (0, error) }
        }
        if let failure { throw failure }
        return socklen_t(length)
    }

    /// The room for any address of this one's family, in bytes.
    var kernelRoom: Int { family == .unix ? 112 : 32 }

    /// Puts the address as the kernel wants it at `target`, which has ``kernelRoom`` and is aligned for 8 bytes. Returns the
    /// length in use.
    func write(to target: UnsafeMutableRawPointer) throws(Errno) -> Int {
        switch self {
        case .ipv4(let address, let port):
            var form = sockaddr_in()
            form.sin_family = sa_family_t(AF_INET)
            form.sin_port = port.bigEndian
            form.sin_addr.s_addr = address.rawValue.bigEndian
            target.storeBytes(of: form, as: sockaddr_in.self)
            return MemoryLayout<sockaddr_in>.size
        case .ipv6(let address, let port, let flowInfo, let scopeID):
            var form = sockaddr_in6()
            form.sin6_family = sa_family_t(AF_INET6)
            form.sin6_port = port.bigEndian
            form.sin6_flowinfo = flowInfo.bigEndian
            form.sin6_scope_id = scopeID
            form.sin6_addr = address.kernelForm
            target.storeBytes(of: form, as: sockaddr_in6.self)
            return MemoryLayout<sockaddr_in6>.size
        case .unix(let path):
            guard path.utf8.count < Self.unixNameCapacity else { throw .fileNameTooLong }
            return try Self.write(path: path.utf8, to: target)
        case .unixBytes(let path):
            return try Self.write(path: path, to: target)
        case .unixAbstract(let bytes):
            guard bytes.count < Self.unixNameCapacity else { throw .fileNameTooLong }
            let name = Self.beginUnixName(target)
            name[0] = 0
            UnsafeMutableRawBufferPointer(rebasing: name[1...]).copyBytes(from: bytes)
            return Self.unixNameOffset + 1 + bytes.count
        case .unixUnnamed:
            _ = Self.beginUnixName(target)
            return Self.unixNameOffset
        }
    }

    private static func write(path: some Collection<UInt8>, to target: UnsafeMutableRawPointer) throws(Errno)
        -> Int
    {
        // Empty or with a zero in it, a path would name another socket than the caller meant: an abstract one, too.
        guard !path.isEmpty, !path.contains(0) else { throw .invalidArgument }
        guard path.count <= unixNameCapacity else { throw .fileNameTooLong }
        let name = beginUnixName(target)
        name.copyBytes(from: path)
        // The kernel does not miss the zero where there is no room for it.
        guard path.count < unixNameCapacity else { return unixNameOffset + unixNameCapacity }
        name[path.count] = 0
        return unixNameOffset + path.count + 1
    }

    /// Puts the family down and returns the room for the name.
    private static func beginUnixName(_ target: UnsafeMutableRawPointer) -> UnsafeMutableRawBufferPointer {
        target.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        return UnsafeMutableRawBufferPointer(start: target + unixNameOffset, count: unixNameCapacity)
    }

    /// Reads what the kernel wrote. `nil` for a family that this library does not know.
    init?(_ storage: sockaddr_storage, length: socklen_t) {
        let address: SocketAddress? = withUnsafeBytes(of: storage) { bytes in
            SocketAddress(kernelForm: UnsafeRawBufferPointer(rebasing: bytes.prefix(Int(length))))
        }
        guard let address else { return nil }
        self = address
    }

    /// Reads what the kernel wrote. `nil` for a family that this library does not know, or half an address; none at all is
    /// what the kernel says of a Unix socket without a name.
    package init?(kernelForm bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= MemoryLayout<sa_family_t>.size else {
            self = .unixUnnamed
            return
        }
        switch Int32(bytes.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET where bytes.count >= MemoryLayout<sockaddr_in>.size:
            let form = bytes.loadUnaligned(as: sockaddr_in.self)
            self = .ipv4(
                IPv4Address(rawValue: UInt32(bigEndian: form.sin_addr.s_addr)),
                port: UInt16(bigEndian: form.sin_port)
            )
        case AF_INET6 where bytes.count >= MemoryLayout<sockaddr_in6>.size:
            let form = bytes.loadUnaligned(as: sockaddr_in6.self)
            self = .ipv6(
                IPv6Address(form.sin6_addr),
                port: UInt16(bigEndian: form.sin6_port),
                flowInfo: UInt32(bigEndian: form.sin6_flowinfo),
                scopeID: form.sin6_scope_id
            )
        case AF_UNIX:
            self = Self.unixAddress(bytes[Self.unixNameOffset...])
        default:
            return nil
        }
    }

    private static func unixAddress(_ name: Slice<UnsafeRawBufferPointer>) -> SocketAddress {
        guard let first = name.first else { return .unixUnnamed }
        if first == 0 { return .unixAbstract(name: Array(name.dropFirst())) }
        return SocketAddress(unixPath: name.prefix { $0 != 0 })
    }
}
