import SystemPackage

/// How a pipe, socket or terminal is used that others may share: non-blocking is a property of the open file, and not the
/// descriptor's own.
package struct AdoptedPipe {
    /// What was handed over.
    package var given: FileDescriptor
    /// What is read or written: the same, or a descriptor of an open file of its own.
    package var used: FileDescriptor
    /// Whether the open file that was handed over is non-blocking for as long as it is used, for there was no other way.
    package var wasBlocking: Bool

    package init(given: FileDescriptor, used: FileDescriptor, wasBlocking: Bool = false) {
        self.given = given
        self.used = used
        self.wasBlocking = wasBlocking
    }

    /// Whether two descriptors are to be closed.
    var hasOwnFile: Bool { used != given }
}
