import ArgumentParser

/// Who is measured.
struct ContenderOptions: ParsableArguments {
    @Option(help: "Contenders, separated by commas, in the order of their turns. (default: all that can run)")
    var contenders: String?

    @Option(
        name: .customLong("contender"),
        help: ArgumentHelp(
            "Another server, and how to start it, as in 'mine=./my-server {port}'. Can be given more than once.",
            discussion: """
                {port} becomes the TCP port to listen on and {host} the address; {path}, instead of these, the Unix \
                socket, and {bytes} the size of a message; {upstream} is the port of 127.0.0.1 that a proxy forwards to. The server must echo what it receives; 'mine:http=…' is one \
                that answers HTTP, 'mine:udp-echo=…' one that echoes datagrams, 'mine:sink=…' drops what it receives, \
                'mine:ask=…' sends lines back that begin with '?', 'mine:proxy=…' forwards each connection, and \
                'mine:source=…' sends without end what 'c-epoll-echo --service source' sends. 'mine:tls-echo=…' echoes over TLS \
                1.3, with the certificate in the file that {cert} becomes and its key in {key}. The same name can be given again for \
                another service or kind of socket. The CPU time of the process that is started and of its children is what \
                is measured; what it disowns cannot be.
                """,
            valueName: "name=command"
        ),
        transform: { try ContenderArgument($0) }
    )
    var additional: [ContenderArgument] = []

    @Option(help: "How long a server may take until it listens, in seconds.")
    var startTimeout = ServerProcess.startSecondsMax

    func validate() throws {
        guard startTimeout > 0, startTimeout <= 600 else {
            throw ValidationError("--start-timeout must be more than 0 and at most 600.")
        }
        do {
            _ = try chosen()
        } catch let error as SelectionError {
            throw ValidationError(error.description)
        }
    }

    /// Those that were asked for, whether they can run or not: all, unless some are named.
    func chosen() throws -> [Contender] {
        contenders == nil ? Contender.catalog + (try own()) : try named()
    }

    /// Those that were asked for by name, whether they can run or not.
    func named() throws -> [Contender] {
        let own = try own()
        let named = try Contender.named(
            (contenders ?? "").split(separator: ",").map(String.init),
            among: Contender.catalog + own
        )
        return named + own.filter { mine in !named.contains { $0.name == mine.name } }
    }

    /// The contenders of the command line, each with all the commands that were given for its name.
    private func own() throws -> [Contender] {
        var found: [Contender] = []
        for argument in additional {
            let template = argument.template
            guard let index = found.firstIndex(where: { $0.name == argument.name }) else {
                found.append(
                    Contender(
                        name: argument.name,
                        summary: template.words.joined(separator: " "),
                        program: template.words[0],
                        templates: [template]
                    )
                )
                continue
            }
            let isTaken = found[index].templates.contains {
                $0.service == template.service && $0.isTLS == template.isTLS && $0.family == template.family
            }
            guard !isTaken else {
                throw ValidationError(
                    "--contender has two commands for \(template.serviceName) by '\(argument.name)'; use two names."
                )
            }
            found[index].templates.append(template)
        }
        return found
    }
}
