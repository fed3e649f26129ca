#if NIO
    import NIOCore
    import Proactor
    import SystemPackage

    import struct SystemPackage.FileDescriptor

    /// Sending: what was flushed goes to the transport, which gathers it and hands it to the kernel with the turn's end.
    extension StreamChannel {
        func append(_ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
            guard phase.isOpen else { return failAsClosed(promise) }
            guard outputSide == .open else {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            let data = unwrapData(data, as: IOData.self)
            writes.append(data, byteCount: data.readableBytes, promise)
            // What is not writable waits for less.
            guard isWritable, writes.mostBuffered > waterMark.high else { return }
            if let untaken = transport?.untakenByteCount { writes.learn(untaken: untaken) }
            updateWritability()
        }

        /// Hands over what was flushed, but for what is behind a file.
        func handOverFlushed() {
            guard !isHandingOver, let transport else { return }
            isHandingOver = true
            repeat {
                // A transport that is lost takes nothing, and tells the channel so in the next turn.
                while writes.flushedCount > 0, !isSendingFile, transport.untakenByteCount != nil,
                    let write = writes.takeFlushed()
                {
                    handOver(write, to: transport)
                }
                // Those who hear of it may write and flush.
                progressed(transport)
            } while writes.flushedCount > 0 && !isSendingFile && transport.untakenByteCount != nil
                && phase != .closed
            isHandingOver = false
            endIfAllSent()
        }

        private func handOver(_ write: PendingWrites<IOData>.Write, to transport: any AdaptedStream) {
            switch write.payload {
            case .byteBuffer(let buffer):
                // The buffer holds its bytes for the call.
                buffer.withUnsafeReadableBytes { bytes in
                    if bytes.count > 0 { transport.write(bytes.bytes) }
                }
                writes.handOver(buffer.readableBytes, write.promise)
            case .fileRegion(let region):
                send(region, write.promise, over: transport)
            }
        }

        // MARK: - Progress

        func bytesWereTaken() {
            guard let transport else { return }
            progressed(transport)
            endIfAllSent()
        }

        var waitsForProgress: Bool {
            writes.hasWaiters || !isWritable || phase == .closing || outputSide == .ending
        }

        private func progressed(_ transport: any AdaptedStream) {
            let waitsForRoom = !isWritable
            if waitsForRoom { transport.offerGathered() }
            // Asked for anew each time: who hears of it may write more.
            while writes.hasWaiters, let untaken = transport.untakenByteCount,
                let promise = writes.takeSatisfied(untaken: untaken)
            {
                promise.succeed(())
            }
            // What is writable does not cease to be by what leaves.
            if waitsForRoom { updateWritability() }
        }

        // MARK: - Files

        private func send(
            _ region: FileRegion,
            _ promise: EventLoopPromise<Void>?,
            over transport: any AdaptedStream
        ) {
            let (offset, count) = (Int64(region.readerIndex), Int64(region.readableBytes))
            let descriptor: FileDescriptor
            do {
                // The program may close its own meanwhile.
                descriptor = FileDescriptor(
                    rawValue: try region.fileHandle.duplicate().takeDescriptorOwnership()
                )
            } catch {
                promise?.fail(error)
                return fileFailed(error)
            }
            isSendingFile = true
            filePromise = promise
            let file = File(descriptor: descriptor, on: loop)
            loop.createTask { [loop] in
                var outcome = Result<Int64, any Error>.success(0)
                do {
                    let sent = try await loop.sendFile(
                        transport,
                        file,
                        offset: offset,
                        count: count,
                        fallback: true
                    )
                    outcome = .success(sent)
                } catch {
                    outcome = .failure(error)
                }
                try? await file.close()
                self.fileWasSent(outcome, wanted: count)
            }
        }

        private func fileWasSent(_ outcome: Result<Int64, any Error>, wanted: Int64) {
            isSendingFile = false
            // The end of the channel may have failed it.
            let promise = filePromise
            filePromise = nil
            // Whoever sends a file pauses the transport, and resumes it as it was.
            if isTransportPaused { transport?.pauseReading() } else { transport?.resumeReading() }
            do {
                // The peer was promised more than the file has.
                guard try outcome.get() == wanted else { throw ChannelError.eof }
            } catch {
                let reason = fileError(error)
                promise?.fail(reason)
                return fileFailed(reason)
            }
            promise?.succeed(())
            handOverFlushed()
        }

        private func fileError(_ error: any Error) -> any Error {
            switch error {
            case SendFileError.connectionLost(let errno, _):
                errno.map { IOError($0, "\(error)") } ?? ChannelError.ioOnClosedChannel
            case SendFileError.fileFailed(let errno, _, _): IOError(errno, "\(error)")
            default: nioError(error)
            }
        }

        /// What is behind it would be taken for the file's.
        private func fileFailed(_ error: any Error) {
            if phase.isActive || phase == .closing { finishClosing(error, nil) }
        }
    }
#endif
