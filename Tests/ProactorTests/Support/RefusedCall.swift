import Glibc
import Testing

/// Has the kernel refuse a call to this thread, as a container's filter does; for an argument's sake only those with that one.
func refuseCall(_ number: UInt32, _ errno: Int32, whenSecondArgumentIs argument: UInt32? = nil) throws {
    typealias Instruction = (code: UInt16, jumpTrue: UInt8, jumpFalse: UInt8, value: UInt32)
    let refusal: Instruction = (0x06, 0, 0, 0x0005_0000 | UInt32(errno))
    let permission: Instruction = (0x06, 0, 0, 0x7fff_0000)
    // Load the call's number; if it is not that one go to the end; the same for the second argument's lower half.
    var program: [Instruction] = [(0x20, 0, 0, 0)]
    if let argument {
        program += [(0x15, 0, 3, number), (0x20, 0, 0, 24), (0x15, 0, 1, argument)]
    } else {
        program += [(0x15, 0, 1, number)]
    }
    program += [refusal, permission]
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
