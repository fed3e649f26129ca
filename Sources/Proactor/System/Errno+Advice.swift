import SystemPackage

extension Errno {
    /// What helps when there is no descriptor left; `nil` for every other error.
    var descriptorAdvice: String? {
        switch self {
        case .tooManyOpenFiles: "raise the limit on open files (ulimit -n)"
        case .tooManyOpenFilesInSystem: "raise the system's limit on open files (the sysctl fs.file-max)"
        default: nil
        }
    }
}
