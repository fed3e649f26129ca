import SystemPackage

/// What each turn and each message asks of a ring: straight from the kernel's, and through the protocol of any other, as simulations and
/// tests have. Another module may adopt the protocol, so nothing that is called through it would be inlined.
struct DirectRing {
    // Not retained, which each call would pay for: `ring` holds it.
    private let kernel: Unmanaged<KernelRing>?
    private let ring: any RingCalls

    init(_ ring: any RingCalls) {
        self.ring = ring
        kernel = (ring as? KernelRing).map(Unmanaged.passUnretained)
    }

    @inline(__always)
    func prepare(_ operation: IOOperation, token: OperationToken) -> Bool {
        if let kernel { return kernel._withUnsafeGuaranteedRef { $0.prepare(operation, token: token) } }
        return ring.prepare(operation, token: token)
    }

    @inline(__always)
    func prepareReceive(from socket: FileDescriptor, share: UInt32, token: OperationToken) -> Bool {
        if let kernel {
            return kernel._withUnsafeGuaranteedRef {
                $0.prepareReceive(from: socket, share: share, token: token)
            }
        }
        return ring.prepareReceive(from: socket, share: share, token: token)
    }

    @inline(__always)
    func prepareSingle(_ operation: IOOperation, into group: BufferGroup, token: OperationToken) -> Bool {
        if let kernel {
            return kernel._withUnsafeGuaranteedRef { $0.prepareSingle(operation, into: group, token: token) }
        }
        return ring.prepareSingle(operation, into: group, token: token)
    }

    @inline(__always)
    var isQuiet: Bool {
        if let kernel { return kernel._withUnsafeGuaranteedRef { $0.isQuiet } }
        return ring.isQuiet
    }

    @inline(__always)
    func submitAndWait(timeoutNanoseconds: Int64) -> Int32 {
        if let kernel {
            return kernel._withUnsafeGuaranteedRef {
                $0.submitAndWait(timeoutNanoseconds: timeoutNanoseconds)
            }
        }
        return ring.submitAndWait(timeoutNanoseconds: timeoutNanoseconds)
    }

    @inline(__always)
    func reap(into target: UnsafeMutablePointer<RingCompletion>, capacity: Int) -> Int {
        if let kernel { return kernel._withUnsafeGuaranteedRef { $0.reap(into: target, capacity: capacity) } }
        return ring.reap(into: target, capacity: capacity)
    }

    @inline(__always)
    func growIfStrained() {
        if let kernel { return kernel._withUnsafeGuaranteedRef { $0.growIfStrained() } }
        ring.growIfStrained()
    }

    @inline(__always)
    func recycleBuffer(_ number: UInt16, of group: BufferGroup) {
        if let kernel { return kernel._withUnsafeGuaranteedRef { $0.recycleBuffer(number, of: group) } }
        ring.recycleBuffer(number, of: group)
    }

    @inline(__always)
    func publishBuffers(of group: BufferGroup) {
        if let kernel { return kernel._withUnsafeGuaranteedRef { $0.publishBuffers(of: group) } }
        ring.publishBuffers(of: group)
    }
}
