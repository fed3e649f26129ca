import CUring
import SystemPackage

/// Receiving, and making connections.
extension KernelRing {
    func prepareReceive(_ operation: IOOperation, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .receive(let socket):
            return curing_prepare_receive_selected(
                ring,
                socket.rawValue,
                BufferGroup.streams.rawValue,
                features.multishotReceive,
                name
            )
        case .receiveDatagrams(let socket, let reception):
            reception.prepare()
            // A multishot receive puts them into its buffers, before each datagram.
            if !features.multishotReceive { reception.useOwnControlRoom() }
            return curing_prepare_receive_message(
                ring,
                socket.rawValue,
                reception.headerPointer,
                BufferGroup.datagrams.rawValue,
                features.multishotReceive,
                name
            )
        case .receiveOnce(let socket, let maxCount):
            return curing_prepare_receive_once(
                ring,
                socket.rawValue,
                BufferGroup.streams.rawValue,
                UInt32(maxCount),
                true,
                !isBusy,
                name
            )
        case .receiveMessage(let socket, let message):
            return curing_prepare_receive_message_once(ring, socket.rawValue, message, name)
        case .receiveInto(let socket, let target):
            return curing_prepare_receive(
                ring,
                socket.rawValue,
                target.baseAddress,
                Self.length(target.count),
                name
            )
        default:
            preconditionFailure("not an operation that receives")
        }
    }

    func prepareReceive(from socket: FileDescriptor, share: UInt32, token: OperationToken) -> Bool {
        let group = BufferGroup.streams.rawValue
        let piece = Int(share) < features.bufferSize ? share : 0
        return curing_prepare_receive_share(ring, socket.rawValue, group, piece, share, token.rawValue)
    }

    func prepareSingle(_ operation: IOOperation, into group: BufferGroup, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .receive(let socket):
            return curing_prepare_receive_selected(ring, socket.rawValue, group.rawValue, false, name)
        case .pipeRead(let pipe):
            return preparePipeRead(pipe, isMultishot: false, token: token)
        case .receiveOnce(let socket, let maxCount):
            // What waits may get to a thread of the kernel's, and this does not ask for all of a buffer.
            let waits = group == .singles || !features.incrementalBuffers
            let count = UInt32(maxCount)
            return curing_prepare_receive_once(
                ring,
                socket.rawValue,
                group.rawValue,
                count,
                waits,
                !isBusy,
                name
            )
        default:
            preconditionFailure("not a receive from a stream")
        }
    }

    func prepareConnection(_ operation: IOOperation, token: OperationToken) -> Bool {
        let name = token.rawValue
        switch operation {
        case .accept(let listener, let oneByOne):
            return curing_prepare_accept(
                ring,
                listener.rawValue,
                features.multishotAccept && !oneByOne,
                features.waitFreeAccept,
                name
            )
        case .acceptOnce(let listener, let address):
            return curing_prepare_accept_one(
                ring,
                listener.rawValue,
                address,
                address.length,
                name
            )
        case .connect(let socket, let address):
            return curing_prepare_connect(ring, socket.rawValue, address, address.pointee.length, name)
        default:
            preconditionFailure("not an operation that connects")
        }
    }
}
