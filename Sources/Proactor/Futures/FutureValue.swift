/// What a future has succeeded with.
final class FutureValue<Value> {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
