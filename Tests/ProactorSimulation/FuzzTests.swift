import ProactorFuzzing
import Testing

/// Some inputs of each target; `make fuzz` looks for more with libFuzzer.
@Suite struct FuzzTests {
    private static func count(_ target: FuzzTarget) -> Int { target.isSlow ? 150 : 1_500 }

    @Test(arguments: FuzzTarget.all)
    func fixedInputs(target: FuzzTarget) throws {
        try target.run(seed: 1, count: Self.count(target))
    }

    /// The seed is printed, and stands with what it finds.
    @Test(arguments: FuzzTarget.all)
    func freshInputs(target: FuzzTarget) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("the fresh inputs of \(target) are of the seed \(seed)")
        try target.run(seed: seed, count: Self.count(target))
    }
}
