/// Names one callback of one future, for ``Future/removeDoneCallback(_:)``.
///
/// ```swift
/// let token = future.addDoneCallback { _ in print("not printed") }
/// future.removeDoneCallback(token)
/// ```
public struct DoneCallbackToken: Hashable {
    let future: ObjectIdentifier
    let number: Int
}
