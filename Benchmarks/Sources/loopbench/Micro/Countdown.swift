/// Counts callbacks, as cheaply as can be: what it costs is measured with them.
final class Countdown {
    // Exclusivity: no step is taken within another.
    @exclusivity(unchecked) private var left: Int
    private let atEnd: () -> Void

    init(_ count: Int, atEnd: @escaping () -> Void) {
        left = count
        self.atEnd = atEnd
    }

    func step() {
        left -= 1
        if left == 0 { atEnd() }
    }
}
