/// What `--contender` is given: `NAME=COMMAND`, or `NAME:SERVICE=COMMAND`.
struct ContenderArgument: Sendable {
    var name: String
    var template: CommandTemplate

    /// Why it does not describe a contender.
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    init(_ text: String) throws(Problem) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw Problem(description: "there is no '=': give NAME=COMMAND, as in 'mine=./my-server {port}'")
        }
        let title = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init
        )
        name = try Self.checkedName(title[0])
        let (service, isTLS) = try Self.service(title.count == 2 ? title[1] : Service.echo.rawValue)
        let words = try Self.words(String(parts[1]))
        let found = try Self.placeholders(in: words)
        try Self.check(found, isTLS)
        template = CommandTemplate(
            service: service,
            isTLS: isTLS,
            family: try Self.family(found),
            words: words
        )
    }

    private static func checkedName(_ name: String) throws(Problem) -> String {
        let fits = name.utf8.allSatisfy { byte in
            let character = Character(UnicodeScalar(byte))
            return byte < 0x80 && (character.isLetter || character.isNumber || "-_.".contains(character))
        }
        guard fits, (1...40).contains(name.utf8.count) else {
            throw Problem(
                description: "'\(name)' is no name: use 1 to 40 letters, digits, dashes, dots or underscores"
            )
        }
        guard !Contender.catalog.contains(where: { $0.name == name }) else {
            throw Problem(description: "'\(name)' is a contender already; choose another name")
        }
        return name
    }

    private static func service(_ name: String) throws(Problem) -> (service: Service, isTLS: Bool) {
        if let service = Service(rawValue: name) { return (service, false) }
        let prefix = CommandTemplate.tlsPrefix
        // What workloads over TLS ask for.
        let overTLS = [Service.echo]
        if let service = overTLS.first(where: { name == prefix + $0.rawValue }) { return (service, true) }
        let all = Service.allCases.map(\.rawValue) + overTLS.map { prefix + $0.rawValue }
        throw Problem(description: "there is no service '\(name)'; known: \(all.joined(separator: ", "))")
    }

    /// A server over TLS has to be given what the load believes, and another has no use for it.
    private static func check(_ found: Set<CommandTemplate.Placeholder>, _ isTLS: Bool) throws(Problem) {
        let files = found.intersection([.certificate, .key])
        guard !isTLS || files.count == 2 else {
            throw Problem(description: "a server over TLS needs {cert} and {key}, the files of what it shows")
        }
        guard isTLS || files.isEmpty else {
            throw Problem(description: "{cert} and {key} go with a service over TLS, as in 'mine:tls-echo=…'")
        }
    }

    private static func words(_ line: String) throws(Problem) -> [String] {
        let words: [String]
        switch Result(catching: { () throws(ShellWords.Unfinished) in try ShellWords.split(line) }) {
        case .success(let found): words = found
        case .failure(let problem): throw Problem(description: "in the command, \(problem)")
        }
        guard let program = words.first, !program.isEmpty else {
            throw Problem(description: "there is no command after the '='")
        }
        return words
    }

    private static func placeholders(in words: [String]) throws(Problem) -> Set<CommandTemplate.Placeholder> {
        var found: Set<CommandTemplate.Placeholder> = []
        for match in words.flatMap({ $0.matches(of: /\{([A-Za-z]+)\}/) }) {
            guard let placeholder = CommandTemplate.Placeholder(rawValue: String(match.1)) else {
                let known = CommandTemplate.Placeholder.allCases.map { "{\($0.rawValue)}" }.joined(
                    separator: ", "
                )
                throw Problem(
                    description: "nothing is known that '\(match.0)' could stand for; known: \(known)"
                )
            }
            found.insert(placeholder)
        }
        return found
    }

    /// The kind of socket that the placeholders speak of.
    private static func family(
        _ found: Set<CommandTemplate.Placeholder>
    ) throws(Problem) -> Workload.Family {
        switch (found.contains(.port), found.contains(.path)) {
        case (true, false): return .tcp
        case (false, true) where !found.contains(.host): return .unix
        case (false, false):
            throw Problem(
                description:
                    "the command has neither {port} nor {path}, so the server is not told where to listen"
            )
        default:
            throw Problem(
                description:
                    "a command listens on {host} and {port}, or on {path}; give one --contender for each"
            )
        }
    }
}
