import Glibc
import Testing

/// Calls that a sandbox older than they are does not know.
enum NewCall: UInt32, CaseIterable, Sendable, Codable {
    case pidfdSendSignal = 424
    case pidfdOpen = 434
    case clone3 = 435
    case closeRange = 436
    case openat2 = 437
    case faccessat2 = 439
    case epollPwait2 = 441
    #if arch(x86_64)
        case accept4 = 288
        case sendmmsg = 307
        case recvmmsg = 299
        case statx = 332
        case preadv2 = 327
        case pwritev2 = 328
        case copyFileRange = 326
        case pipe2 = 293
        case eventfd2 = 290
        case epollCreate1 = 291
        case ppoll = 271
        case dup3 = 292
        case execveat = 322
    #else
        case accept4 = 242
        case sendmmsg = 269
        case recvmmsg = 243
        case statx = 291
        case preadv2 = 286
        case pwritev2 = 287
    #endif

    /// io_uring_setup, io_uring_enter and io_uring_register.
    static let ofRings: [UInt32] = [425, 426, 427]

    /// All of them, as a filter of old refuses what came after it.
    static var newest: [NewCall] { allCases.filter { $0.rawValue >= 424 } }
}

/// Has the kernel refuse calls to this thread and to those that it starts, as a container's filter does.
func refuseCalls(_ numbers: [UInt32], _ errno: Int32) throws {
    // Load the call's number; if it is one of those go to the end; allow; return the error.
    var program: [FilterInstruction] = [(0x20, 0, 0, 0)]
    for (index, number) in numbers.enumerated() {
        program.append((0x15, UInt8(numbers.count - index), 0, number))
    }
    program.append((0x06, 0, 0, 0x7fff_0000))
    program.append((0x06, 0, 0, 0x0005_0000 | UInt32(errno)))
    try installFilter(program)
}

/// Has the kernel refuse a call to this thread, as a container's filter does; for an argument's sake only those with that one.
func refuseCall(_ number: UInt32, _ errno: Int32, whenSecondArgumentIs argument: UInt32? = nil) throws {
    // Load the call's number; if it is not that one go to the end; the same for the second argument's lower half.
    var program: [FilterInstruction] = [(0x20, 0, 0, 0)]
    if let argument {
        program += [(0x15, 0, 3, number), (0x20, 0, 0, 24), (0x15, 0, 1, argument)]
    } else {
        program += [(0x15, 0, 1, number)]
    }
    program += [(0x06, 0, 0, 0x0005_0000 | UInt32(errno)), (0x06, 0, 0, 0x7fff_0000)]
    try installFilter(program)
}

private typealias FilterInstruction = (code: UInt16, jumpTrue: UInt8, jumpFalse: UInt8, value: UInt32)

private func installFilter(_ program: [FilterInstruction]) throws {
    // prctl takes any number of arguments, which Swift cannot call by name.
    typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    let prctl = unsafeBitCast(try #require(dlsym(nil, "prctl")), to: Prctl.self)
    let (noNewPrivileges, seccomp, filterMode): (Int32, Int32, UInt) = (38, 22, 2)
    try #require(prctl(noNewPrivileges, 1, 0, 0, 0) == 0)
    let result = program.withUnsafeBytes { instructions in
        var description: (count: UInt, start: UInt) = (
            UInt(program.count), UInt(bitPattern: instructions.baseAddress)
        )
        return withUnsafePointer(to: &description) { prctl(seccomp, filterMode, UInt(bitPattern: $0), 0, 0) }
    }
    try #require(result == 0)
}
