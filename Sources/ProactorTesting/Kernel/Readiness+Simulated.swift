import Proactor

/// Of another module, a set's own methods and literals are generic code that is called for each message.
extension Readiness {
    /// An end, an error or whatever: nobody is to wait for it any more.
    static let anything: Readiness = [.read, .write, .hangUp]

    static let nothing: Readiness = []

    /// Something to read, or an end.
    static let readable: Readiness = [.read, .hangUp]

    @inline(__always)
    var isNothing: Bool { rawValue == 0 }

    @inline(__always)
    func meets(_ other: Readiness) -> Bool { rawValue & other.rawValue != 0 }

    @inline(__always)
    func common(_ other: Readiness) -> Readiness { Readiness(rawValue: rawValue & other.rawValue) }

    @inline(__always)
    mutating func add(_ other: Readiness) { self = Readiness(rawValue: rawValue | other.rawValue) }
}
