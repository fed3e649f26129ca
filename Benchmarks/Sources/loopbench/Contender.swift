/// A server that can be measured.
struct Contender: Sendable {
    /// Where a server listens.
    enum Endpoint: Sendable, Equatable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    var name: String
    var summary: String
    /// The program, by its path.
    var program: String
    /// What stands between the program and the options that say where to listen.
    var arguments: [String] = []

    /// The whole command line of a server that listens on `endpoint` and prints `listening on …` when it does.
    func command(endpoint: Endpoint) -> [String] {
        switch endpoint {
        case .tcp(let host, let port): [program] + arguments + ["--host", host, "--port", "\(port)"]
        case .unix(let path): [program] + arguments + ["--unix", path]
        }
    }
}
