import HelloHummingbird
import IntegrationOptions

/// Serves a Hummingbird router over the loops that `--group` names, until SIGTERM or SIGINT.
@main
struct HummingbirdHello {
    static func main() async {
        let usage =
            "hummingbird-hello [--group nio|proactor|proactor-epoll] [--host HOST] [--port N] [--loops N] [--tls CERTIFICATE KEY]"
        await runProgram(usage: usage) {
            let options = try ServerOptions(arguments: Array(CommandLine.arguments.dropFirst()))
            try await HelloApplication(options) { announce(host: options.host, port: $0) }.run()
        }
    }
}
