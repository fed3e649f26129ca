/// What is counted from its making to its end.
class CountedLife {
    private let lives: SoakCounter

    init(lives: SoakCounter) {
        self.lives = lives
        lives.add(1)
    }

    deinit { lives.add(-1) }
}
