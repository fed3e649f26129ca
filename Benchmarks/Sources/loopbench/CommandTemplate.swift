/// How a server that came with the command line is started: one thing on one kind of socket.
struct CommandTemplate: Sendable, Equatable {
    /// A word in braces that stands for what is known only when the server is started.
    enum Placeholder: String, CaseIterable {
        case host
        case port
        case path
        /// The workload's message size.
        case bytes
        /// The port that a proxy forwards to.
        case upstream
        /// The file of the certificate that a server shows over TLS.
        case certificate = "cert"
        /// The file of its key.
        case key
    }

    /// What stands before a service's name when it is one over TLS.
    static let tlsPrefix = "tls-"

    var service: Service
    var isTLS = false
    var family: Workload.Family
    /// The program and its arguments, with placeholders among them.
    var words: [String]

    /// As `--contender` calls it.
    var serviceName: String { (isTLS ? Self.tlsPrefix : "") + service.rawValue }

    /// The command line of a server that listens on `endpoint` and is to be driven with messages of `messageBytes`.
    func command(
        endpoint: Contender.Endpoint,
        messageBytes: Int,
        upstream: UInt16? = nil,
        certificate: RunCertificate? = nil
    ) -> [String] {
        var values: [Placeholder: String] = [.bytes: "\(messageBytes)"]
        if let upstream { values[.upstream] = "\(upstream)" }
        if let certificate, isTLS {
            (values[.certificate], values[.key]) = (certificate.path, certificate.keyPath)
        }
        switch endpoint {
        case .tcp(let host, let port): (values[.host], values[.port]) = (host, "\(port)")
        case .unix(let path): values[.path] = path
        }
        return words.map { word in
            values.reduce(word) { $0.replacing("{\($1.key.rawValue)}", with: $1.value) }
        }
    }

    func serves(_ workload: Workload) -> Bool {
        service == workload.service && family == workload.family && isTLS == (workload.tls != nil)
    }
}
