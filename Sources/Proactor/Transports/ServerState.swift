/// Where a server is in its life.
enum ServerState {
    /// It is bound, and accepts nothing yet.
    case ready
    case serving
    case closed
}
