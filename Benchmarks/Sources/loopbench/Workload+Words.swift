extension Workload {
    /// In a line.
    var summary: String {
        let size = byteCount(messageBytes)
        let socket = family == .unix ? " over a Unix socket" : kind == .http ? "" : " over TCP"
        let place = tls == nil ? socket : family == .unix ? " over TLS and a Unix socket" : " over TLS"
        let thing = kind == .udp ? "client" : "connection"
        let many = "\(shown(Double(connections), 0)) \(thing)\(connections == 1 ? "" : "s")"
        let text =
            switch kind {
            case .echo where depth > 1:
                "\(size) echoed\(place) on \(many), \(depth) messages in flight on each"
            case .echo: "\(size) echoed\(place) on \(many), one message at a time on each"
            case .lines:
                "lines of \(size) echoed by a server that reads them\(place) on \(many), one at a time on each"
            case .exact:
                "\(size) echoed by a server that reads messages whole\(place) on \(many), one at a time on each"
            case .churn where tls != nil:
                "connect\(place) by a \(tls == .resumed ? "resumed" : "full") handshake, echo \(size) once, say close_notify, close; "
                    + "\(shown(Double(connections), 0)) at a time"
            case .churn:
                "connect\(place), echo \(size) once, close; \(shown(Double(connections), 0)) at a time"
            case .idle: "memory of \(many)\(place), each held after one message of \(size)"
            case .streamIn: "pieces of \(size) sent to the server\(place) on \(many)"
            case .streamOut: "pieces of \(size) sent by the server\(place) on \(many)"
            case .flood:
                "\(many)\(place) flood the server with lines of \(size), one more asks and is answered"
            case .proxy: "pieces of \(size) through a server that forwards them\(place), on \(many)"
            case .udp where isPlain == true:
                "\(size) echoed over UDP to \(many), \(depth) datagrams in flight for each, none joined with another"
            case .udp where depth > 1:
                "\(size) echoed over UDP to \(many), \(depth) datagrams in flight for each"
            case .udp: "\(size) echoed over UDP to \(many), one datagram at a time for each"
            case .http: "HTTP/1.1 requests by wrk on \(many), kept alive"
            }
        return rate.map { "\(text); \(shown($0, 0)) a second are due, whatever the server does" } ?? text
    }

    /// What its figures say.
    var measures: String {
        switch kind {
        case .echo where rate != nil:
            """
            What clients wait when requests come at a fixed rate: each latency begins when its request was due, so that \
            requests which queue behind a stall are charged to it. And the server's CPU time a request at that rate.
            """
        case .echo where depth > 1:
            "Throughput and CPU time when many small messages arrive at once: how well a loop gathers its writes."
        case .echo where tls != nil:
            """
            The cost of receiving a message, opening its records, handing it to the application, and sealing and sending the \
            answer.
            """
        case .echo:
            "The cost of receiving a message, handing it to the application, and sending the answer."
        case .lines:
            """
            What reading by streams costs: each server awaits a line of its reader, writes it, and waits for room. The C servers \
            frame nothing, and so are what the bytes alone cost.
            """
        case .exact:
            """
            What reading by streams costs: each server awaits so many bytes of its reader, writes them, and waits for room. The C \
            servers frame nothing, and so are what the bytes alone cost.
            """
        case .churn where tls == .resumed:
            """
            The cost of a short connection of a client that was here before: accept, a handshake by its newest ticket (with a \
            new key exchange), one message, close_notify on both sides, end.
            """
        case .churn where tls != nil:
            """
            The cost of a new client: accept, a handshake with certificate and signature, tickets, one message, close_notify on \
            both sides, end.
            """
        case .churn:
            "The cost of a connection's life: accept, set-up, one message, end. The client closes first."
        case .idle where tls != nil:
            """
            The server process's memory for one more connection over TLS that has had its handshake and one message, and has \
            nothing to do.
            """
        case .idle:
            "The server process's memory for one more connection that has nothing to do."
        case .streamIn:
            "Receiving in bulk: bytes a second and CPU time a piece, when the application drops what it is given."
        case .streamOut:
            "Sending in bulk: bytes a second and CPU time a piece, with the back-pressure of a peer that reads all."
        case .flood:
            """
            Whether busy connections leave a quiet one its share: what it waits for its answer is the figure, in a closed \
            loop. Each line costs the server half a microsecond of work, the same for all contenders. And what the flood \
            brings in: bytes a second, and CPU time a MB.
            """
        case .proxy:
            """
            Forwarding in bulk: bytes a second as they come out, and CPU time (1,000 µs a MB are one second a GB), with the \
            back-pressure of both sides.
            """
        case .udp where depth > 1:
            """
            Throughput and CPU time when each client sends many datagrams at once and awaits their answers: how well a loop \
            takes and sends them in batches.
            """
        case .udp:
            "The cost of receiving a datagram with its source, handing it to the application, and sending the answer there."
        case .http:
            "A whole small request: receive, parse, answer, as wrk sees it."
        }
    }

    /// What they do not say.
    var ignores: String {
        switch kind {
        case .echo where rate != nil:
            "What the server can do at most. A connection still has one request in flight at a time, or `depth`."
        case .echo where tls != nil:
            """
            Ciphers, curves and versions: all speak TLS 1.3 with AES-128-GCM. The handshake: connections stand before. The load \
            opens and seals as much as the server.
            """
        case .echo:
            """
            A network: loopback has no latency, loss or interrupts of its own. An application: it does nothing. Its latency \
            is a closed loop's, and hides what requests would have waited that were not sent during a stall.
            """
        case .lines, .exact:
            "What is done with a message. One comes at a time, so that most reads find one, and whole. The content is verified."
        case .churn where tls != nil:
            """
            Chains of certificates, client certificates, other keys and curves than P-256 and X25519. The load does as much as \
            the server: compare CPU time.
            """
        case .churn:
            "TLS, name resolution, TIME_WAIT on the server's side, connections that live longer."
        case .idle:
            "The kernel's memory for sockets, which is the same for all, and memory during traffic."
        case .streamIn:
            "Whether the server looked at the bytes: it answers nothing, so that only what it took is counted."
        case .streamOut:
            "Sending from files, and many slow readers. The content is verified."
        case .flood:
            """
            How fast a loop could receive: what is done about the lines takes most of the time. The one asks again as soon \
            as it is answered, which falls into step with the server's turns.
            """
        case .proxy:
            """
            Both directions at once. The load is both ends, and does as much as the server: compare CPU a MB. The content \
            is verified where it comes out.
            """
        case .udp where isPlain == true:
            """
            A network, and losses: what does not come back within 20 ms is sent again, and counted apart. The load has to take \
            each datagram through the kernel, as the server has, and costs as much: look at the CPU time first.
            """
        case .udp where depth > 1:
            """
            A network, and losses: what does not come back within 20 ms is sent again, and counted apart. The load has the kernel \
            join datagrams of one socket (UDP_SEGMENT, UDP_GRO), as fast clients do; a server that does not ask for the same \
            is given, and sends, single ones. Over loopback nobody else would join them: 'udp-plain-…' shows what remains \
            with clients that do not.
            """
        case .udp:
            """
            A network, and losses: what does not come back within 20 ms is sent again, and counted apart. The kernel's part of \
            a datagram is so large that throughput differs little; look at the CPU time too.
            """
        case .http:
            """
            A whole HTTP server: routing, headers, bodies and limits. wrk sends requests in a closed loop and runs for \
            whole seconds, one at least; the CPU time is taken from before it connects until after it ends.
            """
        }
    }
}
