/// An iteration over an async sequence that the loop has handed out, as the end of the loop sees it.
protocol OpenSequence: AnyObject {
    /// Ends it: whoever waits for the next element gets `nil`, and so does whoever asks from here on.
    func finish()
}
