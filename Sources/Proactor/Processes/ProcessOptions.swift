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
    /// Throws ``EventLoopError/invalidArgument(_:)`` for what cannot be handed to a process: C would take the part before a zero byte,
    /// which is another name.
    func validate(program: String, arguments: [String]) throws(EventLoopError) {
        if program.holds(0) { throw Self.holdsZero("the program's name \(Self.quoted(program))") }
        for (index, argument) in arguments.enumerated() where argument.holds(0) {
            // Its text is nobody's business: it may be a secret.
            throw Self.holdsZero("argument \(index + 1) of \(program)")
        }
        if let workingDirectory, workingDirectory.holds(0) {
            throw Self.holdsZero("the working directory \(Self.quoted(workingDirectory)) of \(program)")
        }
        if let environment { try Self.validate(environment) }
        if case .joining(let group) = self.group, group <= 0 {
            throw .invalidArgument("a process group's number is above zero, not \(group)")
        }
    }

    private static func validate(_ environment: [String: String]) throws(EventLoopError) {
        for (name, value) in environment {
            guard !name.isEmpty, !name.holds(UInt8(ascii: "=")) else {
                throw .invalidArgument(
                    "the name \(quoted(name)) in a child's environment is empty or holds '='"
                )
            }
            if name.holds(0) { throw holdsZero("the name \(quoted(name)) in a child's environment") }
            if value.holds(0) { throw holdsZero("the value of \(name) in a child's environment") }
        }
    }

    private static func holdsZero(_ what: String) -> EventLoopError {
        .invalidArgument("\(what) holds a zero byte, which no child process can be given")
    }

    /// With the zero bytes to be seen.
    private static func quoted(_ text: String) -> String {
        "\"\(text.split(separator: "\0", omittingEmptySubsequences: false).joined(separator: "\\0"))\""
    }
}
