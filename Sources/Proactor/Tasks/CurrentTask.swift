/// Which task of a loop runs, as a task-local value, so that the children of a task see it too.
struct CurrentTask: @unchecked Sendable {
    // Read on the loop's thread only: `currentTask` checks it.
    let task: any RegisteredTask

    @TaskLocal static var current: CurrentTask?
}
