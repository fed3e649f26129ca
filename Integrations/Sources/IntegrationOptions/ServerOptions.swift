/// What the example servers are told on the command line.
public struct ServerOptions: Sendable {
    public var group = LoopGroup.proactor
    public var host = "127.0.0.1"
    /// 0 lets the kernel choose one.
    public var port = 8080
    public var loops = 1
    public var tls: TLSFiles?

    public init() {}

    /// Reads `--group nio|proactor|proactor-epoll --host HOST --port N --loops N --tls CERTIFICATE KEY`, all of them optional.
    public init(arguments: [String]) throws(UsageError) {
        var words = ArgumentWords(arguments)
        while let name = words.next() {
            switch name {
            case "--group": group = try words.value(of: name) { LoopGroup(rawValue: $0) }
            case "--host": host = try words.value(of: name) { $0 }
            case "--port": port = try words.value(of: name) { UInt16($0).map { Int($0) } }
            case "--loops": loops = try words.value(of: name) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
            case "--tls":
                let certificate = try words.value(of: name) { $0 }
                tls = TLSFiles(certificate: certificate, key: try words.value(of: name) { $0 })
            default: throw UsageError(message: "\(name) is no option")
            }
        }
    }
}

/// Words of a command line, one after the other.
public struct ArgumentWords {
    private var rest: ArraySlice<String>

    public init(_ words: [String]) { rest = words[...] }

    public mutating func next() -> String? { rest.popFirst() }

    /// The word behind an option, as `read` takes it.
    public mutating func value<Value>(
        of option: String,
        _ read: (String) -> Value?
    ) throws(UsageError) -> Value {
        guard let word = rest.popFirst() else { throw UsageError(message: "\(option) needs a value") }
        guard let value = read(word) else { throw UsageError(message: "\(option) cannot be \(word)") }
        return value
    }
}

/// What is wrong with a command line.
public struct UsageError: Error, CustomStringConvertible {
    public let message: String

    public init(message: String) { self.message = message }

    public var description: String { message }
}
