/// Why a part of the demo did not work.
struct DemoProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
