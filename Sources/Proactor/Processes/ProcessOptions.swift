import SystemPackage

/// How a child process is started, for ``ProcessEventLoop/subprocessExec(_:arguments:options:protocolFactory:)``.
///
/// ```swift
/// var options = ProcessOptions()
/// options.standardInput = .null
/// options.standardError = .standardOutput
/// options.workingDirectory = "/tmp"
/// ```
public struct ProcessOptions: Sendable {
    /// What a standard stream of the child is connected to.
    public enum Stream: Hashable, Sendable {
        /// A pipe whose other end is a transport of ``SubprocessTransport``.
        case pipe
        /// `/dev/null`.
        case null
        /// This process's own. The child finds it blocking, also where it is not so here.
        case inherited
        /// A descriptor, blocking to the child, which stays the caller's and can be closed once the child is started.
        case descriptor(FileDescriptor)
    }

    /// What the child's standard error is connected to.
    public enum ErrorStream: Hashable, Sendable {
        /// A pipe whose other end is a transport of ``SubprocessTransport``.
        case pipe
        /// `/dev/null`.
        case null
        /// This process's own. The child finds it blocking, also where it is not so here.
        case inherited
        /// A descriptor, blocking to the child, which stays the caller's and can be closed once the child is started.
        case descriptor(FileDescriptor)
        /// Whatever the child's standard output is connected to.
        case standardOutput
    }

    /// The process group that the child belongs to.
    public enum Group: Hashable, Sendable {
        /// This process's own: a terminal's Ctrl+C reaches both.
        case inherited
        /// A new one, which the child leads.
        case new
        /// An existing one of the same session, by its number.
        case joining(Int32)
        /// A new session and group, without a terminal, both of which the child leads.
        case newSession
    }

    /// Descriptor 0 of the child.
    public var standardInput = Stream.pipe
    /// Descriptor 1 of the child.
    public var standardOutput = Stream.pipe
    /// Descriptor 2 of the child.
    public var standardError = ErrorStream.pipe
    /// The child's whole environment; `nil` is this process's own. A program without a slash in its name is looked up in
    /// this environment's `PATH`.
    public var environment: [String: String]?
    /// Where the child runs; `nil` is this process's own. A program's relative path starts here too.
    public var workingDirectory: String?
    /// The child's process group or session.
    public var group = Group.inherited
    /// Whether the child is spared every descriptor from 3 up that is not close-on-exec. What the library itself opens is
    /// close-on-exec always.
    public var closesOtherDescriptors = true

    /// Pipes for all three streams, and everything else as this process has it.
    public init() {}
}

extension ProcessOptions.Group {
    /// Whether the child leads it.
    var isLed: Bool { self == .new || self == .newSession }

    /// The group's number; zero for one that the child makes, `nil` for none in particular.
    var number: Int32? {
        switch self {
        case .inherited, .newSession: nil
        case .new: 0
        case .joining(let group): group
        }
    }
}

extension ProcessOptions {
    /// Throws ``EventLoopError/invalidArgument(_:)`` for what cannot be handed to a process.
    func validate(program: String, arguments: [String]) throws(EventLoopError) {
        guard !program.holds(0), workingDirectory?.holds(0) != true,
            !arguments.contains(where: { $0.holds(0) })
        else {
            throw .invalidArgument("a program's name, arguments and directory cannot hold a zero byte")
        }
        if let environment { try Self.validate(environment) }
        if case .joining(let group) = self.group, group <= 0 {
            throw .invalidArgument("a process group's number is above zero, not \(group)")
        }
    }

    private static func validate(_ environment: [String: String]) throws(EventLoopError) {
        for (name, value) in environment {
            guard !name.isEmpty, !name.holds(UInt8(ascii: "=")), !name.holds(0), !value.holds(0) else {
                throw .invalidArgument(
                    "an environment's names cannot be empty or hold '=', nor anything in it a zero byte"
                )
            }
        }
    }
}
