extension Workload {
    /// The name says every parameter, so that any workload can be asked for by its name: `echo-64Bx50` is 64 B on 50
    /// connections, `pipelined-64Bx10x32` has 32 in flight on each of 10, `@20000` is 20,000 a second in an open loop, and
    /// `tls-64Bx50`, `tls-full-64Bx50` and `tls-idle-16KiBx1000` are echo, churn and idle connections over TLS.
    var name: String {
        let size = byteCount(messageBytes).filter { $0 != " " }
        let prefix = (family == .unix ? "unix-" : "") + (tls == nil ? "" : "tls-")
        let name =
            switch kind {
            case .echo where tls != nil && depth == 1: "\(prefix)\(size)x\(connections)"
            case .churn where tls != nil:
                "\(prefix)\(tls == .resumed ? "resumed" : "full")-\(size)x\(connections)"
            case .idle where tls != nil && messageBytes != Self.usualMessageBytes:
                "\(prefix)idle-\(size)x\(connections)"
            case .echo where depth > 1: "\(prefix)pipelined-\(size)x\(connections)x\(depth)"
            case .echo: "\(family == .unix ? "unix" : "echo")-\(size)x\(connections)"
            case .idle: "\(prefix)idle-\(connections)"
            case .flood: "\(prefix)flood-\(connections)"
            case .http: "http-\(connections)"
            case .udp where isPlain == true: "udp-plain-\(size)x\(connections)x\(depth)"
            case .udp where depth > 1: "udp-pipelined-\(size)x\(connections)x\(depth)"
            case .lines, .exact, .churn, .streamIn, .streamOut, .proxy, .udp:
                "\(prefix)\(kind.rawValue)-\(size)x\(connections)"
            }
        return rate.map { "\(name)@\(shown($0, 0).filter { $0 != "," })" } ?? name
    }

    /// The workload of that name, or nil when it names none.
    init?(named name: String) {
        let halves = name.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count <= 2, let first = halves.first else { return nil }
        var text = String(first)
        let isUnix = text.hasPrefix("unix-")
        if isUnix { text.removeFirst("unix-".count) }
        let family: Family = isUnix ? .unix : .tcp
        if let rest = text.dropping("tls-") {
            guard let parsed = Self.overTLS(rest, family) else { return nil }
            self = parsed
        } else if let rest = text.dropping("idle-"), let count = Int(rest) {
            self.init(.idle, family: family, connections: count)
        } else if let rest = text.dropping("flood-"), let count = Int(rest) {
            self.init(.flood, family: family, connections: count)
        } else if let rest = text.dropping("http-"), let count = Int(rest), !isUnix {
            self.init(.http, connections: count)
        } else {
            guard let parsed = Self.withSize(text, family) else { return nil }
            self = parsed
        }
        if halves.count == 2 {
            guard kind == .echo, let rate = Double(halves[1]) else { return nil }
            self.rate = rate
        }
        guard problem == nil else { return nil }
    }

    /// What stands behind `tls-`.
    private static func overTLS(_ text: String, _ family: Family) -> Workload? {
        if let rest = text.dropping("idle-"), let count = Int(rest) {
            return Workload(.idle, family: family, tls: .full, connections: count)
        }
        let kinds: [(String, Kind, Handshake)] = [
            ("pipelined-", .echo, .full), ("full-", .churn, .full), ("resumed-", .churn, .resumed),
            ("idle-", .idle, .full),
            ("", .echo, .full),
        ]
        for (prefix, kind, handshake) in kinds {
            guard let rest = text.dropping(prefix) else { continue }
            var workload = parameters(rest, hasDepth: prefix == "pipelined-").map {
                bytes,
                connections,
                depth in
                Workload(kind, family: family, connections: connections, messageBytes: bytes, depth: depth)
            }
            workload?.tls = handshake
            return workload
        }
        return nil
    }

    /// `64Bx50`, or `64Bx10x32` with a depth.
    private static func parameters(
        _ text: String,
        hasDepth: Bool
    ) -> (bytes: Int, connections: Int, depth: Int)? {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false)
        guard parts.count == (hasDepth ? 3 : 2), let bytes = parsedByteCount(parts[0]),
            let connections = Int(parts[1]), let depth = hasDepth ? Int(parts[2]) : 1
        else { return nil }
        return (bytes, connections, depth)
    }

    private static func withSize(_ text: String, _ family: Family) -> Workload? {
        let kinds: [(String, Kind)] = [
            ("pipelined-", .echo), ("echo-", .echo), ("lines-", .lines), ("exact-", .exact),
            ("churn-", .churn), ("stream-in-", .streamIn),
            ("stream-out-", .streamOut), ("proxy-", .proxy), ("udp-pipelined-", .udp), ("udp-plain-", .udp),
            ("udp-", .udp),
            ("", .echo),
        ]
        // An echo over a Unix socket is called unix-64Bx1, and over TCP echo-64Bx1.
        for (prefix, kind) in kinds where !prefix.isEmpty || family == .unix {
            guard let rest = text.dropping(prefix) else { continue }
            let isPlain = prefix == "udp-plain-"
            let isPipelined = prefix.hasSuffix("pipelined-") || isPlain
            var workload = parameters(rest, hasDepth: isPipelined).map { bytes, connections, depth in
                Workload(kind, family: family, connections: connections, messageBytes: bytes, depth: depth)
            }
            if isPlain { workload?.isPlain = true }
            return workload
        }
        return nil
    }

    /// Why these parameters make no sense, or nil.
    var problem: String? {
        if !(1...1_000_000).contains(connections) { return "connections must lie between 1 and 1,000,000" }
        if !(1...1 << 30).contains(messageBytes) { return "a message must have 1 B to 1 GiB" }
        if !(1...1 << 16).contains(depth) { return "the depth must lie between 1 and 65,536" }
        if kind == .udp, family == .unix || !(8...65_507).contains(messageBytes) {
            return "a UDP datagram must have 8 to 65,507 B"
        }
        if kind == .lines, !Self.lineBytes.contains(messageBytes) { return "a line must have 2 B to 64 KiB" }
        if kind == .flood, messageBytes != Self.floodLineBytes {
            return "the lines of a flood have \(Self.floodLineBytes) B"
        }
        if kind == .proxy, family == .unix { return "a proxy listens on TCP" }
        if tls != nil, ![.echo, .churn, .idle].contains(kind) {
            return "only echo, churn and idle workloads speak TLS"
        }
        if tls == .resumed, kind != .churn { return "only churn workloads resume sessions of TLS" }
        if depth > 1, kind != .echo, kind != .udp { return "only echo and UDP workloads have a depth" }
        guard let rate else { return nil }
        if kind != .echo { return "only echo workloads can run at a rate" }
        return (1...100_000_000).contains(rate) ? nil : "the rate must lie between 1 and 100,000,000 a second"
    }
}

/// `64B`, `16KiB` or `1MiB`.
private func parsedByteCount(_ text: Substring) -> Int? {
    for (unit, size) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)]
    where text.hasSuffix(unit) {
        guard let count = Int(text.dropLast(unit.count)) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
        return overflow ? nil : bytes
    }
    return nil
}

extension String {
    fileprivate func dropping(_ prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
