#if NIO
    import Glibc
    import NIOCore
    import Proactor
    import SystemPackage

    /// Addresses between the two libraries: both know the kernel's form.
    extension NIOCore.SocketAddress {
        /// The address as SwiftNIO's. `nil` where it has no such thing.
        init?(_ address: Proactor.SocketAddress) {
            let converted: NIOCore.SocketAddress?? = try? address.withKernelBytes { bytes in
                switch address.family {
                case .ipv4: return Self(bytes.loadUnaligned(as: sockaddr_in.self))
                case .ipv6: return Self(bytes.loadUnaligned(as: sockaddr_in6.self))
                case .unix:
                    var form = sockaddr_un()
                    // What the kernel does not write of it stays zero.
                    withUnsafeMutableBytes(of: &form) { $0.copyBytes(from: bytes.prefix($0.count)) }
                    return Self(form)
                }
            }
            guard let address = converted ?? nil else { return nil }
            self = address
        }

        /// The address as this library's.
        ///
        /// - Throws: an `IOError` where it has no such thing.
        func proactorAddress() throws -> Proactor.SocketAddress {
            let converted = withSockAddr { address, length in
                // The form lives for the call.
                Proactor.SocketAddress(kernelBytes: UnsafeRawBufferPointer(start: address, count: length))
            }
            guard let converted else {
                throw IOError(errnoCode: EAFNOSUPPORT, reason: "address family of \(self)")
            }
            return converted
        }
    }

    extension Proactor.SocketAddress {
        /// The address as SwiftNIO's; `nil` where it has no such thing.
        var nioAddress: NIOCore.SocketAddress? { NIOCore.SocketAddress(self) }
    }
#endif
