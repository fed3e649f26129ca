import CPosix
import Glibc
import SystemPackage

/// Finds the file of a program that is given by name, where the child would look for it: in the `PATH` of its own
/// environment, from its own working directory.
struct ProgramSearch {
    /// Without a `PATH`, as the C library does it.
    private static let defaultPath = "/bin:/usr/bin"

    private let program: String
    private let environment: [String: String]?
    private let workingDirectory: String?

    init(_ request: SpawnRequest) {
        program = request.program
        environment = request.environment
        workingDirectory = request.workingDirectory
    }

    func path() throws(ProcessError) -> String {
        guard !program.holds(UInt8(ascii: "/")) else { return program }
        guard !program.isEmpty else { throw ProcessError(.start, .noSuchFileOrDirectory, path: program) }
        var reason = Errno.noSuchFileOrDirectory
        for directory in searchPath.split(separator: ":", omittingEmptySubsequences: false) {
            // An empty entry is the working directory.
            let candidate = directory.isEmpty ? "./\(program)" : "\(directory)/\(program)"
            let result = cposix_check_executable(seenFromHere(candidate))
            if result == 0 { return candidate }
            // One that may not be run is the better reason, should there be no other.
            if result == -EACCES { reason = .permissionDenied }
        }
        throw ProcessError(.start, reason, path: program)
    }

    private var searchPath: String {
        if let environment { return environment["PATH"] ?? Self.defaultPath }
        return getenv("PATH").map { String(cString: $0) } ?? Self.defaultPath
    }

    private func seenFromHere(_ path: String) -> String {
        guard let workingDirectory, !path.hasPrefix("/") else { return path }
        return "\(workingDirectory)/\(path)"
    }
}
