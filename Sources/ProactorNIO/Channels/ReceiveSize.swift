#if NIO
    import NIOCore

    /// How many bytes one message brings: what SwiftNIO's allocator of received buffers says, if the user has set one. It is asked for
    /// sizes, and for memory only where a message has to be cut.
    ///
    /// A class: an allocator in an existential would be copied into a box of its own for each message.
    class ReceiveSize {
        static func by(_ allocator: some RecvByteBufferAllocator) -> ReceiveSize { SizeOf(allocator) }

        fileprivate init() {}

        /// As the user has set it, and as it has learnt since.
        var allocator: any RecvByteBufferAllocator { preconditionFailure("a size must know whose it is") }
        /// Whether so many bytes make one message; if they do, they are counted as such.
        func admits(_ count: Int) -> Bool {
            preconditionFailure("a size must know what fits")
        }
        /// A buffer for the next message.
        func makeBuffer(_ memory: ByteBufferAllocator) -> ByteBuffer {
            preconditionFailure("a size must know how to make a buffer")
        }
        /// So many bytes were a message.
        func record(_ count: Int) { preconditionFailure("a size must know how to learn") }
    }

    private final class SizeOf<Allocator: RecvByteBufferAllocator>: ReceiveSize {
        // Exclusivity: it belongs to a channel, and no allocator calls back.
        @exclusivity(unchecked) private var own: Allocator

        init(_ allocator: Allocator) {
            own = allocator
        }

        override var allocator: any RecvByteBufferAllocator { own }

        override func admits(_ count: Int) -> Bool {
            let room = own.nextBufferSize() ?? makeBuffer(ByteBufferAllocator()).writableBytes
            guard count <= room else { return false }
            record(count)
            return true
        }

        override func makeBuffer(_ memory: ByteBufferAllocator) -> ByteBuffer {
            own.buffer(allocator: memory)
        }

        override func record(_ count: Int) { _ = own.record(actualReadBytes: count) }
    }
#endif
