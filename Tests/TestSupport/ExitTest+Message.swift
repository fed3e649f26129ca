import Testing

extension ExitTest.Result? {
    /// Whether the program ended with a message that has `text` in it.
    package func ended(saying text: String) -> Bool {
        guard let self else { return false }
        return String(decoding: self.standardErrorContent, as: UTF8.self).contains(text)
    }

    /// The lines that the program has printed, which it does not when the test has failed already.
    package var lines: [String] {
        String(decoding: self?.standardOutputContent ?? [], as: UTF8.self).split(separator: "\n").map(
            String.init
        )
    }
}
