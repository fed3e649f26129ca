import CLoad
import Foundation

/// The certificate of a run's servers and its key, in a folder that goes with it. Any thread.
///
/// It is made anew for each run, and is the only one that the load believes.
final class RunCertificate: Sendable {
    private let folder: URL

    /// A PEM file.
    var path: String { folder.appending(path: "certificate.pem").path }
    /// A PEM file.
    var keyPath: String { folder.appending(path: "key.pem").path }

    /// It could not be made, or written.
    struct Failure: Error, CustomStringConvertible {
        var folder: String
        var problem: String

        var description: String { "A certificate for TLS cannot be made in \(folder): \(problem)" }
    }

    /// - Parameter parent: where the folder is made; the user's temporary files are there.
    init(in parent: URL = FileManager.default.temporaryDirectory) throws(Failure) {
        folder = parent.appending(path: "loopbench-tls-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(
                at: folder,
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Failure(folder: parent.path, problem: error.localizedDescription)
        }
        let problem = cload_make_certificate(path, keyPath)
        guard problem == 0 else {
            try? FileManager.default.removeItem(at: folder)
            throw Failure(folder: parent.path, problem: String(cString: strerror(problem)))
        }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// One for these workloads, or nil where none speaks TLS.
    static func ifNeeded(for workloads: [Workload]) throws(Failure) -> RunCertificate? {
        workloads.contains { $0.tls != nil } ? try RunCertificate() : nil
    }
}
