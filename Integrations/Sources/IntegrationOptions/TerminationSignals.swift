import Dispatch
import Glibc

/// Returns when the process is told to end, by SIGTERM or SIGINT.
public func waitForTermination() async {
    let signals = [SIGTERM, SIGINT]
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    let queue = DispatchQueue(label: "signals")
    let sources = signals.map { number in
        // The source hears of it only where the process does not end by it.
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler { continuation.yield() }
        source.resume()
        return source
    }
    for await _ in stream { break }
    for source in sources { source.cancel() }
}
