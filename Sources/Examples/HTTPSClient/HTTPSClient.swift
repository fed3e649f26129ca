import Proactor
import ProactorTLS
import SystemPackage

/// Prints what a web server has: `ExampleHTTPSClient HOST [PORT] [PATH] [AUTHORITIES]`. Who signed the server's certificate has to be
/// trusted by the system, or to be in the file AUTHORITIES.
@main
struct HTTPSClient {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let host = arguments.first ?? "localhost"
        let port = arguments.dropFirst().first.flatMap { UInt16($0) } ?? 443
        let path = arguments.dropFirst(2).first ?? "/"
        var configuration = TLSConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        if let authorities = arguments.dropFirst(3).first {
            configuration.trust = .file(FilePath(authorities))
        }
        let context = try TLSContext.client(configuration)
        try run {
            do {
                try await getRunningLoop().withConnection(host: host, port: port, tls: context) {
                    reader,
                    writer in
                    print("\(writer.extraInfo(.tlsPeerCertificate).map { "\($0)" } ?? "nobody")")
                    writer.write("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
                    print(String(decoding: try await reader.readToEnd(), as: UTF8.self))
                }
            } catch let error as TLSError where error.reason == .unknownAuthority {
                print(
                    "nobody that is trusted here has signed the server's certificate: name a file of authorities"
                )
            }
        }
    }
}
