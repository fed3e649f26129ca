import CPosix
import CUring
import Glibc
import SystemPackage

/// Reading and writing pipes. Without quiet writes, SIGPIPE is kept from the thread while the kernel may try one.
extension KernelRing {
    func preparePipe(_ operation: IOOperation, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .pipeRead(let pipe):
            return preparePipeRead(pipe, isMultishot: features.multishotRead, token: token)
        case .pipeReadInto(let pipe, let target):
            let length = Self.length(target.count)
            return curing_prepare_read(ring, pipe.rawValue, target.baseAddress, length, -1, name)
        case .pipeWrite(let pipe, let bytes):
            let length = Self.length(bytes.count)
            return counting(
                token,
                curing_prepare_pipe_write(ring, pipe.rawValue, bytes.baseAddress, length, writeFlags, name)
            )
        case .pipeWriteVector(let pipe, let message):
            let (vector, count) = (message.pointee.msg_iov, UInt32(message.pointee.msg_iovlen))
            return counting(
                token,
                curing_prepare_pipe_write_vector(ring, pipe.rawValue, vector, count, writeFlags, name)
            )
        default:
            preconditionFailure("not a pipe's operation")
        }
    }

    func preparePipeRead(_ pipe: FileDescriptor, isMultishot: Bool, token: OperationToken) -> Bool {
        // A single one asks for all of a buffer: see ``BufferGroup/singles``.
        let count = Self.length(features.bufferSize)
        let group = BufferGroup.streams.rawValue
        return curing_prepare_pipe_read(ring, pipe.rawValue, count, group, isMultishot, token.rawValue)
    }

    private var writeFlags: UInt32 { features.quietWrites ? UInt32(CPOSIX_QUIET_WRITE) : 0 }

    /// Counts a write, or a wait for room in its name: each that is prepared ends by one completion, unless the ring is gone
    /// first. A wait raises nothing, but its completions cannot be told from a write's.
    func counting(_ token: OperationToken, _ isPrepared: Bool) -> Bool {
        if isPrepared, !features.quietWrites, Self.isPipeWrite(token) { loudWriteCount += 1 }
        return isPrepared
    }

    private static func isPipeWrite(_ token: OperationToken) -> Bool {
        token.isOf(.pipeWrite) || token.isOf(.pipeWriteVector)
    }

    /// Enters the kernel, which may try writes to pipes meanwhile.
    @inline(__always)
    func holdingPipeSignal(_ enter: () -> Int32) -> Int32 {
        guard loudWriteCount > 0 else { return enter() }
        let held = cposix_hold_pipe_signal()
        defer { cposix_release_pipe_signal(held) }
        return enter()
    }

    func forgetLoudWrites(among completions: UnsafeBufferPointer<RingCompletion>) {
        for completion in completions where !completion.hasMore {
            guard Self.isPipeWrite(OperationToken(rawValue: completion.user_data)) else { continue }
            precondition(loudWriteCount > 0, "a write to a pipe ended that was not counted")
            loudWriteCount -= 1
        }
    }
}
