#if NIO
    import NIOCore
    import Proactor

    /// Receiving: what comes is read by nobody but who has asked.
    ///
    /// A transport that nobody asks is paused. What the kernel has handed over by then, and what is more than one read should bring, is
    /// held back and delivered, in order, at the next read.
    extension StreamChannel {
        func reconcileReading() {
            if isReadPending, held != nil || holdsEnd { return deliverSoon() }
            let pauses = !isReadPending || inputSide != .open
            guard pauses != isTransportPaused, let transport else { return }
            isTransportPaused = pauses
            if pauses { transport.pauseReading() } else { transport.resumeReading() }
        }

        func dataReceived(_ data: RawSpan) {
            guard phase.isActive, inputSide == .open else { return }
            guard isReadPending, held == nil, phase == .active, receiveSize?.admits(data.byteCount) ?? true
            else {
                return hold(data)
            }
            // Asked for once: a pipeline makes them anew each time.
            let events = pipeline.syncOperations
            deliver(nioLoop.copy(data, by: hasOwnAllocator ? allocator : nil), to: events)
            endRead(events)
        }

        private func deliver(_ buffer: ByteBuffer, to events: ChannelPipeline.SynchronousOperations) {
            isReadPending = false
            events.fireChannelRead(NIOAny(buffer))
        }

        private func endRead(_ events: ChannelPipeline.SynchronousOperations) {
            guard phase == .active else { return }
            events.fireChannelReadComplete()
            readIfWanted()
        }

        // MARK: - Held back

        private func hold(_ data: RawSpan) {
            // The span holds its bytes for the call, and the buffer copies them.
            data.withUnsafeBytes { bytes in
                if held == nil { held = allocator.buffer(capacity: bytes.count) }
                held?.writeBytes(bytes)
            }
            if isReadPending { deliverSoon() }
        }

        /// In a callback of its own: who asks to read may be amid something.
        private func deliverSoon() {
            guard !deliversSoon else { return }
            deliversSoon = true
            nioLoop.run {
                self.deliversSoon = false
                self.deliverHeld()
            }
        }

        private func deliverHeld() {
            guard phase == .active, isReadPending else { return }
            let events = pipeline.syncOperations
            for _ in 0..<maxMessagesPerRead {
                guard phase == .active, inputSide == .open, let piece = takeHeldPiece() else { break }
                deliver(piece, to: events)
            }
            guard phase == .active else { return }
            if held == nil, holdsEnd {
                holdsEnd = false
                return inputEnded()
            }
            endRead(events)
        }

        /// As much as one message should have.
        private func takeHeldPiece() -> ByteBuffer? {
            guard var rest = held else { return nil }
            held = nil
            guard let receiveSize else { return rest }
            var piece = receiveSize.makeBuffer(allocator)
            let count = min(max(piece.writableBytes, 1), rest.readableBytes)
            guard let slice = rest.readSlice(length: count) else { return rest }
            piece.writeImmutableBuffer(slice)
            if rest.readableBytes > 0 { held = rest }
            receiveSize.record(count)
            return piece
        }

        /// The connection is lost: nobody can ask for the rest later.
        func deliverAllHeld() {
            guard phase == .active, held != nil, inputSide == .open else { return }
            let events = pipeline.syncOperations
            while phase == .active, inputSide == .open, let piece = takeHeldPiece() {
                deliver(piece, to: events)
            }
            guard phase == .active else { return }
            events.fireChannelReadComplete()
        }

        // MARK: - The end of the input

        /// The channel closes the transport itself, when what was flushed has left.
        func eofReceived() -> Bool {
            guard phase.isActive, inputSide == .open else { return true }
            guard held == nil, phase == .active else {
                holdsEnd = true
                if isReadPending { deliverSoon() }
                return true
            }
            inputEnded()
            return true
        }

        private func inputEnded() {
            pipeline.syncOperations.fireChannelReadComplete()
            guard phase == .active else { return }
            let mode: CloseMode = allowsHalfClosure ? .input : .all
            close0(error: ChannelError.eof, mode: mode, promise: nil)
            isReadPending = false
        }

        func closeInput(error: any Error, promise: EventLoopPromise<Void>?) {
            guard inputSide == .open else {
                promise?.fail(ChannelError.inputClosed)
                return
            }
            guard outputSide == .open else { return close0(error: error, mode: .all, promise: promise) }
            inputSide = .ended
            held = nil
            updateReading()
            promise?.succeed(())
            pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    extension NIOProactorEventLoop {
        /// Up to so many bytes go into one buffer, message after message, as long as nobody keeps it.
        private static let smallMax = 2048

        /// The bytes in a buffer: one that was used before, if there is one and it is not far too large for somebody to keep.
        func copy(_ data: RawSpan, by allocator: ByteBufferAllocator?) -> ByteBuffer {
            let count = data.byteCount
            receiveBuffer.moveReaderIndex(to: 0)
            receiveBuffer.moveWriterIndex(to: 0)
            let capacity = receiveBuffer.writableBytes
            guard allocator == nil, count <= Self.smallMax || count * 4 >= capacity else {
                var buffer = (allocator ?? ByteBufferAllocator()).buffer(capacity: count)
                // The span holds its bytes for the call.
                _ = data.withUnsafeBytes { buffer.writeBytes($0) }
                return buffer
            }
            if count > capacity || capacity > Self.smallMax {
                if count <= Self.smallMax { receiveBuffer = ByteBuffer() }
                receiveBuffer.clear(minimumCapacity: count)
            }
            // It has so much room by now, or gets it as a small one of its own where somebody keeps the last message. The span holds its
            // bytes for the call.
            data.withUnsafeBytes { bytes in
                receiveBuffer.withUnsafeMutableWritableBytes { $0.copyMemory(from: bytes) }
            }
            receiveBuffer.moveWriterIndex(to: count)
            return receiveBuffer
        }
    }
#endif
