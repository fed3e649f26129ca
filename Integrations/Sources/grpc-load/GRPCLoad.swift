import EchoGRPC
import IntegrationOptions

/// Loads `grpc-echo` with unary calls, and prints how many it answered, one number to a line.
@main
struct GRPCLoad {
    static func main() async {
        let usage =
            "grpc-load [--host HOST] [--port N] [--connections N] [--calls N] [--bytes N] [--seconds N]"
        await runProgram(usage: usage) {
            let result = try await load(CommandLine.arguments.dropFirst()).run()
            print("calls \(result.calls)")
            print("calls/s \(Int(result.callsPerSecond))")
        }
    }

    private static func load(_ arguments: ArraySlice<String>) throws(UsageError) -> UnaryLoad {
        var load = UnaryLoad()
        var words = ArgumentWords(Array(arguments))
        while let name = words.next() {
            switch name {
            case "--host": load.host = try words.value(of: name) { $0 }
            case "--port": load.port = try words.value(of: name) { UInt16($0).map { Int($0) } }
            case "--connections": load.connections = try words.value(of: name, count)
            case "--calls": load.callsPerConnection = try words.value(of: name, count)
            case "--bytes": load.messageBytes = try words.value(of: name) { Int($0) }
            case "--seconds": load.duration = .seconds(try words.value(of: name, count))
            default: throw UsageError(message: "\(name) is no option")
            }
        }
        return load
    }

    private static func count(_ word: String) -> Int? { Int(word).flatMap { $0 > 0 ? $0 : nil } }
}
