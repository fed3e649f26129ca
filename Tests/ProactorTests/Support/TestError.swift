/// An error that a test can tell from any other.
struct TestError: Error, Equatable {
    var number = 0
}
