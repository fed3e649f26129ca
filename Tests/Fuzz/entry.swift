import Glibc
import ProactorFuzzing

/// What libFuzzer calls with each input: runs the target that `FUZZ_TARGET` names. What it finds ends the program, and libFuzzer
/// keeps the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // libFuzzer lends so many bytes for the call.
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    do { try chosenTarget(input) } catch { fatalError("\(error)") }
    return 0
}

/// libFuzzer has one thread.
nonisolated(unsafe) private let chosenTarget: ([UInt8]) throws -> Void = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
        fatalError("FUZZ_TARGET is '\(name)'; choose one of \(names)")
    }
    do { return try target.make() } catch { fatalError("\(name) cannot be begun: \(error)") }
}()
