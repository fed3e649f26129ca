/// Whether a loop runs.
enum RunState {
    case idle
    case running
    case closed
}
