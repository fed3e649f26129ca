import Glibc
import Proactor

/// Runs for an hour, unless SIGINT or SIGTERM ends it in order.
@main
struct Signals {
    static func main() throws {
        try run {
            let loop = try getRunningLoop()
            let exit = loop.createFuture()
            for (signal, name) in [(Signal.interrupt, "SIGINT"), (.terminate, "SIGTERM")] {
                try loop.addSignalHandler(signal) {
                    print("got signal \(name): exit")
                    if !exit.done { try exit.setResult() }
                }
            }
            print("Event loop running for 1 hour, press Ctrl+C to interrupt.")
            print("pid \(getpid()): send SIGINT or SIGTERM to exit.")
            fflush(nil)
            let hour = try loop.callLater(.seconds(3600)) { if !exit.done { try exit.setResult() } }
            defer { hour.cancel() }
            try await exit.value()
        }
    }
}
