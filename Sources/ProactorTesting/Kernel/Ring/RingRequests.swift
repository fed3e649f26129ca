import Proactor
import SystemPackage

/// What a submission asks a simulated ring for.
enum RingWork {
    /// As the operation says, and ends with one completion.
    case once(IOOperation)
    case accept(FileDescriptor, isMultishot: Bool, waits: Bool)
    case receive(FileDescriptor, RingReceive)
    case receiveDatagrams(FileDescriptor, UnsafeMutablePointer<DatagramReception>, isMultishot: Bool)
    case poll(FileDescriptor, events: Int32, isMultishot: Bool)
    /// Moves bytes from a file into a pipe, or on from there when there is no offset. Cancelled unless the one before it, where it is
    /// linked to one, has moved all of its own.
    case splice(from: FileDescriptor, to: FileDescriptor, offset: Int64, count: Int, isLinked: Bool)
    case readWakeUps
    case cancel(UInt64)
    case cancelAll

    /// What it holds until it is over, and waits for.
    var descriptor: FileDescriptor? {
        switch self {
        case .once(let operation):
            switch operation {
            case .close, .closeFile, .readFile, .writeFile, .synchronizeFile, .fileStatus: nil
            default: operation.descriptor
            }
        case .accept(let descriptor, _, _), .receive(let descriptor, _),
            .receiveDatagrams(let descriptor, _, _), .poll(let descriptor, _, _):
            descriptor
        case .splice(let from, let to, let offset, _, _): offset < 0 ? to : from
        case .readWakeUps, .cancel, .cancelAll: nil
        }
    }

    /// Whether it goes on after a completion.
    var isMultishot: Bool {
        switch self {
        case .accept(_, let isMultishot, _), .receiveDatagrams(_, _, let isMultishot),
            .poll(_, _, let isMultishot):
            isMultishot
        case .receive(_, let receive): receive.isMultishot
        default: false
        }
    }

    /// Whether the kernel may find no memory for it: what transfers or waits has some of its own there.
    var needsMemory: Bool {
        switch self {
        case .receive, .receiveDatagrams, .poll: true
        case .once(let operation):
            switch operation {
            case .receiveInto, .receiveMessage, .send, .sendMessage, .pipeReadInto, .pipeWrite,
                .pipeWriteVector:
                true
            default: false
            }
        default: false
        }
    }

    /// What its descriptor has to be ready for before it is worth a try; `nil` when any change is.
    @inline(__always)
    var wanted: Readiness? {
        switch self {
        case .accept, .receive, .receiveDatagrams: .readable
        default: nil
        }
    }
}

/// A receive into provided buffers.
struct RingReceive {
    var group: BufferGroup
    /// Bytes that each completion may bring; zero for what a buffer has room for.
    var piece = 0
    /// Bytes after which it ends.
    var share = Int.max
    var isMultishot = false
    var waits = true
}

/// The requests of a simulated ring that are not over.
struct RingRequests {
    struct Request {
        var work: RingWork
        /// The name under which it completes.
        var name: UInt64
        var generation: UInt32 = 0
        var isUnderWay = true
        /// What it works on: the descriptor may be closed, and the number another's, while this holds.
        var file: OpenFile?
        /// Whether it hears of changes of that.
        var isWatching = false
        /// Whether it is among those that are to be tried, or will be.
        var isQueued = false
        /// Whether something of it is under way that ends by itself.
        var hasBegun = false
        /// Whether it was cancelled, and its completion is still to come.
        var isEnding = false
        /// Bytes that it has brought.
        var brought = 0
        /// What a thread of the kernel's has taken for it of a buffer, and the flags that name that.
        var held: UnsafeMutableRawBufferPointer?
        var nameOfHeld: UInt32 = 0
        /// The request that is linked to it; below zero is none.
        var next = -1
        /// Whether it waits for the one that it is linked to.
        var isBehind = false
    }

    private var requests: [Request] = []
    private var free: [Int] = []

    var indices: Range<Int> { requests.indices }

    subscript(index: Int) -> Request {
        _read { yield requests[index] }
        _modify { yield &requests[index] }
    }

    mutating func insert(_ work: RingWork, _ name: UInt64, _ file: OpenFile?) -> Int {
        guard let index = free.popLast() else {
            requests.append(Request(work: work, name: name, file: file))
            return requests.count - 1
        }
        precondition(!requests[index].isUnderWay, "a simulated request's place was handed out twice")
        requests[index] = Request(
            work: work,
            name: name,
            generation: requests[index].generation &+ 1,
            file: file
        )
        return index
    }

    func isCurrent(_ index: Int, _ generation: UInt32) -> Bool {
        requests[index].isUnderWay && requests[index].generation == generation
    }

    /// The oldest place that has a request of that name.
    func find(_ name: UInt64) -> Int? {
        requests.firstIndex { $0.isUnderWay && $0.name == name }
    }

    mutating func end(_ index: Int) {
        precondition(requests[index].isUnderWay, "a simulated request ended twice")
        requests[index].isUnderWay = false
        requests[index].file = nil
        free.append(index)
    }
}
