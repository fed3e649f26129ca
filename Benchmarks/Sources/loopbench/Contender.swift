/// A server that can be measured.
struct Contender: Sendable {
    /// Where a server listens.
    enum Endpoint: Sendable, Equatable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    var name: String
    var summary: String
    /// The program: a path, or a name that PATH leads to.
    var program: String
    /// What stands between the program and the options that say where to listen.
    var arguments: [String] = []
    /// What it can serve, each with the further arguments that ask for it.
    var services: [Service: [String]] = [.echo: []]
    /// What it serves over TLS, in the same way.
    var tlsServices: [Service: [String]] = [:]
    var families: Set<Workload.Family> = [.tcp, .unix]
    /// It holds no more than these.
    var connectionsMax: Int?
    /// It shows what another contender's async/await costs. Unless it is named, it takes part only in the workloads that
    /// are meant for that.
    var isAsync = false
    /// Prints its version as its first line.
    var versionCommand: [String]?
    /// What to do when the program is missing.
    var remedy = "'swift build -c release --package-path Benchmarks' makes it"
    /// For a server that came with the command line: how it is started, instead of what is said above. It does not print
    /// where it listens.
    var templates: [CommandTemplate] = []

    /// It came with the command line and is none of the catalogue's.
    var isOwn: Bool { !templates.isEmpty }

    /// The whole command line of a server that listens on `endpoint` and, unless it is the user's own, prints
    /// `listening on …` when it does.
    ///
    /// - Parameters:
    ///   - upstream: the port of 127.0.0.1 that a proxy forwards to.
    ///   - certificate: what a server of a workload over TLS shows.
    func command(
        endpoint: Endpoint,
        for workload: Workload,
        upstream: UInt16? = nil,
        certificate: RunCertificate? = nil
    ) -> [String] {
        if let template = templates.first(where: { $0.serves(workload) }) {
            return template.command(
                endpoint: endpoint,
                messageBytes: workload.messageBytes,
                upstream: upstream,
                certificate: certificate
            )
        }
        var command = [program] + arguments + (offers(for: workload)[workload.service] ?? [])
        if [.source, .exact].contains(workload.service) {
            command += ["--message-bytes", "\(workload.messageBytes)"]
        }
        if let upstream { command += ["--upstream", "\(upstream)"] }
        if let certificate, workload.tls != nil {
            command += ["--tls", certificate.path, certificate.keyPath]
        }
        switch endpoint {
        case .tcp(let host, let port): return command + ["--host", host, "--port", "\(port)"]
        case .unix(let path): return command + ["--unix", path]
        }
    }

    private func offers(for workload: Workload) -> [Service: [String]] {
        workload.tls == nil ? services : tlsServices
    }

    /// Why this contender cannot serve this workload, or nil.
    func obstacle(to workload: Workload) -> String? {
        if isOwn {
            guard !templates.contains(where: { $0.serves(workload) }) else { return nil }
            return "has no command for \(workload.serviceName) over \(workload.family.rawValue) sockets"
        }
        if offers(for: workload)[workload.service] == nil { return "has no \(workload.serviceName) service" }
        if !families.contains(workload.family) { return "does not serve \(workload.family.rawValue) sockets" }
        if let connectionsMax, workload.connections > connectionsMax {
            return "holds \(connectionsMax) connections at most"
        }
        return nil
    }

    /// Why this contender cannot run here, or nil.
    var missing: String? {
        guard isOwn else { return Program.find(program) == nil ? "\(program) is not there: \(remedy)" : nil }
        let absent = templates.compactMap(\.words.first).first { Program.find($0) == nil }
        return absent.map { "\($0) is not there" }
    }
}
