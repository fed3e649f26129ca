/// Suspends a task of the loop until `body`'s continuation is resumed, and returns what it was resumed with.
///
/// It is `withUnsafeContinuation`, which takes its caller's isolation as an argument and so changes to the executor that it is on
/// already, which takes the task's lock. A wait begins on the loop's thread, and changes none.
@inline(__always)
nonisolated(nonsending) func suspendTask<Value>(
    _ body: (UnsafeContinuation<Value, Never>) -> Void
) async -> Value {
    await _unsafeInheritExecutor_withUnsafeContinuation(body)
}
