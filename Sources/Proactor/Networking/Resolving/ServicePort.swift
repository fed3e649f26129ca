/// A port as the calls are given it.
enum ServicePort: ExpressibleByIntegerLiteral {
    case number(UInt16)
    /// A service's name, to be looked up.
    case name(String)

    init(integerLiteral number: UInt16) {
        self = .number(number)
    }

    /// A name, or a number as text.
    init(_ text: String) {
        self = UInt16(text).map { .number($0) } ?? .name(text)
    }

    var text: String {
        switch self {
        case .number(let number): String(number)
        case .name(let name): name
        }
    }
}
