import Testing

extension ExitTest.Result? {
    /// Whether the program ended with a message that has `text` in it.
    func ended(saying text: String) -> Bool {
        guard let self else { return false }
        return String(decoding: self.standardErrorContent, as: UTF8.self).contains(text)
    }
}
