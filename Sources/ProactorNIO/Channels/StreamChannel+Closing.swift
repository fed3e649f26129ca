#if NIO
    import NIOCore
    import Proactor

    extension StreamChannel {
        func endSide(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            guard phase.isActive else {
                promise?.fail(
                    IOError(.socketNotConnected, "a channel that is not active has no sides to close")
                )
                return
            }
            switch mode {
            case .input: closeInput(error: error, promise: promise)
            case .output: closeOutput(error: error, promise: promise)
            case .all: preconditionFailure("closing everything is no matter of one side")
            }
        }

        private func closeOutput(error: any Error, promise: EventLoopPromise<Void>?) {
            guard outputSide != .ended else {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            guard inputSide == .open else { return close0(error: error, mode: .all, promise: promise) }
            outputSide = .ending
            if let promise { outputWaiters.append(promise) }
            endOutput()
        }

        /// Tells the peer that nothing follows, once nothing does.
        func endOutput() {
            guard !isHandingOver, writes.isEmpty, !isSendingFile, let transport,
                transport.untakenByteCount == 0
            else { return }
            outputSide = .ended
            transport.endWriting()
            let promises = outputWaiters
            outputWaiters = []
            for promise in promises { promise.succeed(()) }
            pipeline.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
        }
    }
#endif
