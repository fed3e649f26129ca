#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    /// Sending: what was flushed goes to the transport, which hands a turn's datagrams to the kernel by one call.
    extension DatagramChannel: DatagramProgress {
        private typealias Envelope = AddressedEnvelope<ByteBuffer>

        func append(_ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
            guard phase.isOpen else { return failAsClosed(promise) }
            do {
                let datagram = try datagram(of: data)
                writes.append(datagram, byteCount: datagram.bytes.readableBytes, promise)
            } catch {
                promise?.fail(error)
                return
            }
            updateWritability()
        }

        private func datagram(of data: NIOAny) throws -> Datagram {
            guard let envelope = tryUnwrapData(data, as: Envelope.self) else {
                guard remoteAddress != nil else {
                    throw DatagramChannelError.WriteOnUnconnectedSocketWithoutAddress()
                }
                return Datagram(bytes: unwrapData(data, as: ByteBuffer.self), address: nil)
            }
            // What would go with a datagram of its own accord is not known to the transport.
            if let metadata = envelope.metadata, metadata.segmentSize != nil {
                throw ChannelError.operationUnsupported
            }
            guard let remote = remoteAddress else {
                return Datagram(bytes: envelope.data, address: try envelope.remoteAddress.proactorAddress())
            }
            guard envelope.remoteAddress == remote else {
                throw DatagramChannelError.WriteOnConnectedSocketWithInvalidAddress(
                    envelopeRemoteAddress: envelope.remoteAddress,
                    connectedRemoteAddress: remote
                )
            }
            return Datagram(bytes: envelope.data, address: nil)
        }

        func handOverFlushed() {
            guard !isHandingOver, let endpoint else { return }
            isHandingOver = true
            while endpoint.untakenByteCount != nil, let write = writes.takeFlushed() {
                handOver(write, to: endpoint)
            }
            isHandingOver = false
            updateWritability()
            endIfAllSent()
        }

        private func handOver(_ write: PendingWrites<Datagram>.Write, to endpoint: any AdaptedDatagrams) {
            let datagram = write.payload
            let count = datagram.bytes.readableBytes + type(of: endpoint).headerSize
            // First: it may be refused within the call.
            writes.handOver(count, write.promise)
            do {
                // The buffer holds its bytes for the call.
                try datagram.bytes.withUnsafeReadableBytes { bytes in
                    try endpoint.sendTo(bytes.bytes, datagram.address)
                }
            } catch {
                writes.takeBack(count)?.fail(error)
            }
        }

        // MARK: - Progress

        var waitsForProgress: Bool {
            writes.hasWaiters || !refused.isEmpty || !isWritable || phase == .closing
        }

        /// What a Unix socket's receiver has no room for waits aside, and others overtake it; then a promise may be told for another's
        /// datagram, as many as have left.
        func datagramsWereTaken() {
            tellRefused()
            while writes.hasWaiters, let untaken = endpoint?.untakenByteCount,
                let promise = writes.takeSatisfied(untaken: untaken)
            {
                promise.succeed(())
            }
            updateWritability()
            endIfAllSent()
        }

        func datagramWasRefused(_ errno: Errno, byteCount: Int) {
            guard let untaken = endpoint?.untakenByteCount,
                let promise = writes.takeFirstUntaken(byteCount: byteCount, untaken: untaken)
            else { return }
            let error: any Error =
                switch errno {
                case .messageTooLong: ChannelError.writeMessageTooLarge
                case .noRouteToHost: ChannelError.writeHostUnreachable
                default: IOError(errno, "sending a datagram")
                }
            refused.append((promise, error))
        }

        func tellRefused() {
            let told = refused
            refused = []
            for (promise, error) in told { promise.fail(error) }
        }
    }
#endif
