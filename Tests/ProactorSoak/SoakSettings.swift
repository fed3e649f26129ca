import Glibc

/// What the environment asks of a soak.
enum SoakSettings {
    /// `PROACTOR_SOAK_SECONDS`: how long each kind of loop is driven; without it there is no soak.
    static var seconds: Int? { value("PROACTOR_SOAK_SECONDS").flatMap { Int($0) } }

    /// `PROACTOR_SOAK_SEED`: which random choices are made; another one each time unless it is set.
    static var seed: UInt64 {
        value("PROACTOR_SOAK_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64(UInt32.max))
    }

    /// `PROACTOR_TEST_LOOPS`: the only kinds of loop that tests go through.
    static var loops: [String]? {
        value("PROACTOR_TEST_LOOPS").flatMap { $0.isEmpty ? nil : $0.split(separator: ",").map(String.init) }
    }

    private static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
