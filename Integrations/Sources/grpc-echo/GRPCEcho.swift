import EchoGRPC
import IntegrationOptions

/// Serves the echo service over the loops that `--group` names, until SIGTERM or SIGINT.
@main
struct GRPCEcho {
    static func main() async {
        let usage =
            "grpc-echo [--group nio|proactor|proactor-epoll] [--host HOST] [--port N] [--loops N] [--tls CERTIFICATE KEY]"
        await runProgram(usage: usage) {
            let options = try ServerOptions(arguments: Array(CommandLine.arguments.dropFirst()))
            try await EchoServer(options).run {
                announce(host: options.host, port: $0)
            } until: {
                await waitForTermination()
            }
        }
    }
}
