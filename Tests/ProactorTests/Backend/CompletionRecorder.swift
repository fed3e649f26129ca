@testable import Proactor

/// Keeps what it is told, and does something about it when asked to.
final class CompletionRecorder: CompletionOwner {
    struct Seen: Equatable {
        var token: OperationToken
        var result: Int32
        var isFinal: Bool
        var bytes: [UInt8] = []
    }

    private(set) var seen: [Seen] = []
    var onCompletion: ((Completion) -> Void)?

    var results: [Int32] { seen.map(\.result) }
    var finals: [Seen] { seen.filter(\.isFinal) }
    var bytes: [UInt8] { seen.flatMap(\.bytes) }

    override func operationCompleted(_ completion: Completion) {
        let bytes = Array(completion.bytes)
        seen.append(
            Seen(
                token: completion.token,
                result: completion.result,
                isFinal: completion.isFinal,
                bytes: bytes
            )
        )
        onCompletion?(completion)
    }
}
