import SystemPackage

extension SocketAddress {
    /// An address in the kernel's form. `nil` for a family that this library does not know.
    package init?(kernelBytes bytes: UnsafeRawBufferPointer) {
        self.init(kernelForm: bytes)
    }

    /// Calls `body` with the address in the kernel's form.
    ///
    /// - Throws: ENAMETOOLONG for a Unix path that does not fit, EINVAL for one that is empty or holds a zero.
    package func withKernelBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) throws(Errno) -> Result {
        try withKernelForm { address, length in
            // The form lives for the call.
            body(UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
    }
}
