/// How a loop gets at the job of a task that it starts itself.
enum JobCapture {
    /// Jobs are scheduled as they come.
    case off
    /// The next job that comes from the loop's thread is kept.
    case waiting
    /// The job that came.
    case captured(UnownedJob)
}
