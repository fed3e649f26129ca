#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    import enum NIOCore.SocketAddress
    import struct SystemPackage.FileDescriptor

    /// What any thread may ask of a channel: its allocator, and its socket's addresses, of which the kernel is asked when somebody wants
    /// to know: most connections never do.
    ///
    /// Behind a lock: as long as it holds the descriptor, that is not closed.
    struct SharedKnowledge {
        private enum Known {
            case notAsked
            case asked(SocketAddress?)
        }

        var allocator = ByteBufferAllocator()
        private let loop: BaseEventLoop
        private let socket: FileDescriptor
        private var isOpen = true
        private let peer: Proactor.SocketAddress?
        private var localSide = Known.notAsked
        private var remoteSide = Known.notAsked

        init(loop: BaseEventLoop, socket: FileDescriptor, peer: Proactor.SocketAddress?) {
            self.loop = loop
            self.socket = socket
            self.peer = peer
        }

        mutating func local() -> SocketAddress? {
            if case .asked(let address) = localSide { return address }
            guard isOpen else { return nil }
            let address = loop.localAddress(of: socket)?.nioAddress
            localSide = .asked(address)
            return address
        }

        mutating func remote() -> SocketAddress? {
            if case .asked(let address) = remoteSide { return address }
            guard isOpen else { return nil }
            let address = (peer ?? loop.peerAddress(of: socket))?.nioAddress
            remoteSide = .asked(address)
            return address
        }

        /// They may be others by now.
        mutating func ask() {
            localSide = .notAsked
            remoteSide = .notAsked
        }

        /// The descriptor is about to be closed.
        ///
        /// - Parameter asking: whether to ask for the addresses before: handlers that hear of the end may still want to know.
        mutating func socketIsGone(asking: Bool) {
            if asking {
                _ = local()
                _ = remote()
            }
            isOpen = false
        }

        mutating func forget() {
            localSide = .asked(nil)
            remoteSide = .asked(nil)
        }
    }
#endif
