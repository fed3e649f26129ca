/// The top byte of a token: what an operation is, or which housekeeping a completion belongs to.
package enum OperationKind: UInt8 {
    case accept = 1
    case acceptOnce
    case connect
    case receive
    case receiveOnce
    case receiveInto
    case receiveMessage
    case send
    case sendNow
    case sendMessage
    case sendMessageNow
    case receiveDatagrams
    case pipeRead
    case pipeReadInto
    case pipeWrite
    case pipeWriteVector
    case waitUntilReadable
    case waitUntilWritable
    case waitForHangUp
    case waitForChild
    case close
    case closeFile
    case openFile
    case readFile
    case writeFile
    case synchronizeFile
    case fileStatus
    case watch
    /// Sending a file, and its last step on a ring: pipe to socket. From this number on, a ring's completions are not each
    /// an operation's own.
    case sendFile = 240
    /// A step of it on a ring: file to pipe.
    case sendFileFill
    /// A step of it on a ring: the wait for room in the socket's buffer.
    case sendFileWait
    /// A backend's own wake-up: no operation is behind it.
    case wake = 254
    /// The completion of a cancel request: only information, its target completes by itself.
    case cancel = 255

    /// Whether a result of zero or more is a descriptor that somebody has to close.
    package var bringsDescriptor: Bool { self == .accept || self == .acceptOnce || self == .openFile }
}
