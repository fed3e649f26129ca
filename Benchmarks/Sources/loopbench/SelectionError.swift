/// A name on the command line that means nothing.
struct SelectionError: Error, CustomStringConvertible {
    var kind: String
    var name: String
    var known: [String]

    var description: String {
        "There is no \(kind) '\(name)'. Known: \(known.joined(separator: ", "))."
    }
}
