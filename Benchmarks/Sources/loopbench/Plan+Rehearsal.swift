extension Plan {
    /// A server of the command line that does not work.
    struct Unusable: Error, CustomStringConvertible {
        var name: String
        var reason: String

        var description: String { "The contender '\(name)' does not work: \(reason)" }
    }

    /// Starts each contender once for each way in which it is needed, so that a long run does not end with a surprise
    /// that was there from the start.
    ///
    /// A contender of the catalogue that does not start is left out. A server of the command line is what the run is
    /// about: if it does not start, there is no run.
    mutating func rehearse(
        _ chosen: [Contender],
        _ cpus: CPUPair,
        startSeconds: Double,
        certificate: RunCertificate? = nil
    ) throws(Unusable) {
        for contender in chosen where contender.isOwn {
            if let missing = contender.missing { throw Unusable(name: contender.name, reason: missing) }
        }
        var failures: [String: String] = [:]
        var seen: Set<[String]> = []
        for entry in entries {
            let workload = entry.workload
            for contender in entry.contenders where failures[contender.name] == nil {
                let way = [contender.name, workload.serviceName, workload.family.rawValue]
                guard seen.insert(way).inserted else { continue }
                let outcome = Result { () throws(ServerProcess.Failure) in
                    try ServerProcess.start(
                        contender,
                        for: workload,
                        cpu: cpus.server,
                        within: startSeconds,
                        certificate: certificate
                    ).stop()
                }
                guard case .failure(let failure) = outcome else { continue }
                guard !contender.isOwn else { throw Unusable(name: contender.name, reason: "\(failure)") }
                failures[contender.name] = "\(failure)"
                skipped.append("\(contender.name): \(failure)")
            }
        }
        for index in entries.indices {
            entries[index].contenders.removeAll { failures[$0.name] != nil }
        }
        entries.removeAll(where: \.contenders.isEmpty)
    }
}
