import Glibc
import SystemPackage

/// A name that could not be looked up: which one, and the resolver's reason.
///
/// ```swift
/// do {
///     _ = try await loop.createConnection(host: "no.such.host", port: 80) { Client() }
/// } catch let error as ResolutionError where error.code == .nameUnknown {
///     print("there is no \(error.host)")
/// }
/// ```
public struct ResolutionError: Error, Hashable, Sendable {
    /// The resolver's reasons: the `EAI_` codes of getaddrinfo(3).
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The number that getaddrinfo(3) returns.
        public let rawValue: Int32

        /// Any of getaddrinfo(3)'s codes.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }

        /// There is no such name (`EAI_NONAME`).
        public static let nameUnknown = Code(rawValue: EAI_NONAME)
        /// The name server does not know for now; later it may (`EAI_AGAIN`).
        public static let tryAgain = Code(rawValue: EAI_AGAIN)
        /// The name server failed (`EAI_FAIL`).
        public static let serverFailure = Code(rawValue: EAI_FAIL)
        /// There is no such family of addresses (`EAI_FAMILY`).
        public static let familyUnsupported = Code(rawValue: EAI_FAMILY)
        /// The socket type is unknown, or does not go with the protocol (`EAI_SOCKTYPE`).
        public static let socketTypeUnsupported = Code(rawValue: EAI_SOCKTYPE)
        /// The service is unknown for the socket type (`EAI_SERVICE`).
        public static let serviceUnknown = Code(rawValue: EAI_SERVICE)
        /// The name has no address (`EAI_NODATA`).
        public static let noAddress = Code(rawValue: -5)
        /// The host has no address of the family that was asked for (`EAI_ADDRFAMILY`).
        public static let noAddressInFamily = Code(rawValue: -9)
        /// The flags are wrong (`EAI_BADFLAGS`).
        public static let badFlags = Code(rawValue: EAI_BADFLAGS)
        /// There is not enough memory (`EAI_MEMORY`).
        public static let outOfMemory = Code(rawValue: EAI_MEMORY)
        /// A system call failed; ``ResolutionError/errno`` says how (`EAI_SYSTEM`).
        public static let system = Code(rawValue: EAI_SYSTEM)
    }

    /// The host or address that was looked up; empty when there was none.
    public let host: String
    /// The service or port that was looked up with it.
    public let service: String?
    /// The resolver's reason.
    public let code: Code
    /// The system's reason, when the code is ``Code/system``.
    public let errno: Errno?

    /// An error with all its parts.
    public init(host: String, service: String? = nil, code: Code, errno: Errno? = nil) {
        self.host = host
        self.service = service
        self.code = code
        self.errno = errno
    }

    /// The resolver's reason in words, as gai_strerror(3).
    public var message: String {
        guard let text = gai_strerror(code.rawValue) else { return "code \(code.rawValue)" }
        // A constant of the library's: it is never freed.
        return String(cString: text)
    }
}

extension ResolutionError: CustomStringConvertible {
    public var description: String {
        let place = service.map { ", service \($0)" } ?? ""
        let reason = errno.map { ": \($0)" } ?? ""
        return "looking up '\(host)'\(place) failed: \(message)\(reason)"
    }
}
