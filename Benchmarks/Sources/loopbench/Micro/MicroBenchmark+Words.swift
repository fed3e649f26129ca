extension MicroBenchmark {
    /// What a benchmark is about.
    enum Topic: Sendable {
        case callbacks
        case cancelledTimers
        case firedTimers
        case posts
        case awaiting
        case roundTrips
        case groups
        case children
        case communicating
        case allocations
    }

    /// What its figure says.
    var measures: String {
        switch topic {
        case .callbacks:
            "Callbacks that schedule the next ones, one after the other or many at a time: what a turn and a callback cost."
        case .cancelledTimers:
            "A timer that is scheduled and cancelled at once, as a time-out per request is, with others standing or none."
        case .firedTimers:
            "The CPU time of a timer from the turn after its schedule to its callback, 10 ms' worth of them."
        case .posts:
            "Callbacks from one other thread, as fast as it posts them: the inbox, and how rarely it wakes the loop."
        case .awaiting:
            """
            The CPU time of what tasks of one loop do with each other, beside the same by asyncio and by uvloop where they are \
            installed. The ratio is of the first of the library's loops.
            """
        case .roundTrips:
            "Two loops on two threads that wake each other in turns, beside two threads that do it with bare eventfds."
        case .groups:
            "What a second loop adds where each has its own load: clients and server on the same loop."
        case .children:
            "The CPU time of starting a child process and awaiting its end, over the same by posix_spawn in C."
        case .communicating:
            """
            The wall-clock time of a child process that is given much and gives it back, or only writes, with its start and its \
            end, beside the same by asyncio, uvloop and Go where they are installed.
            """
        case .allocations: "Heap allocations of the loop's thread for each operation, in steady state."
        }
    }

    /// What it does not say.
    var ignores: String {
        switch topic {
        case .callbacks: "The work of real callbacks, and input or output between them."
        case .cancelledTimers: "Timers that fire."
        case .firedTimers: "How late they fire, and the cost of scheduling them."
        case .posts: "How long a post takes until it runs, and several threads that post at the same time."
        case .roundTrips: "Loops that have other work to do, and so need no waking."
        case .awaiting: "Input and output, and what a program does between its waits."
        case .groups: "How the kernel spreads connections over the loops."
        case .children: "The child's own work: it is /bin/true."
        case .communicating: "How the kernel shares the processors between the two, which makes much of it."
        case .allocations: "How large they are, and those of other threads."
        }
    }
}
