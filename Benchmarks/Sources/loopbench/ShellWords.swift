/// A command line, cut into words as a shell does it: blanks part words, quotes and backslashes keep them together.
/// Nothing is expanded.
enum ShellWords {
    /// A quote that is opened and never closed, or a backslash at the end.
    struct Unfinished: Error, CustomStringConvertible {
        var mark: Character

        var description: String {
            mark == "\\"
                ? "a backslash at its end has nothing to stand before"
                : "a \(mark) is opened and never closed"
        }
    }

    static func split(_ line: String) throws(Unfinished) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = line[...]
        while let character = rest.popFirst() {
            switch (quote, character) {
            case (nil, " "), (nil, "\t"), (nil, "\n"):
                if let word { words.append(word) }
                word = nil
            case (nil, "'"), (nil, "\""):
                quote = character
                word = word ?? ""
            case (let open?, character) where character == open: quote = nil
            case (nil, "\\"), ("\"", "\\"):
                guard let next = rest.popFirst() else { throw Unfinished(mark: "\\") }
                word = (word ?? "") + String(next)
            default: word = (word ?? "") + String(character)
            }
        }
        if let quote { throw Unfinished(mark: quote) }
        if let word { words.append(word) }
        return words
    }
}
