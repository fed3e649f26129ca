/// The top byte of a token: what an operation is, or which housekeeping a completion belongs to.
enum OperationKind: UInt8 {
    case accept = 1
    case connect
    case receive
    case receiveInto
    case send
    case sendMessage
    case close
    /// A backend's own wake-up: no operation is behind it.
    case wake = 254
    /// The completion of a cancel request: only information, its target completes by itself.
    case cancel = 255

    /// Whether one submission yields completions until it ends.
    var isMultishot: Bool {
        switch self {
        case .accept, .receive: true
        case .connect, .receiveInto, .send, .sendMessage, .close, .wake, .cancel: false
        }
    }
}
