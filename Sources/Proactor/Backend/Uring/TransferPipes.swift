import SystemPackage

/// The pipes of one ring: made when they are needed, and a few of them kept for the next file.
///
/// A pipe that still holds bytes of one connection must never serve another: it is closed instead of kept.
final class TransferPipes {
    /// 4 MiB of pages at the most are bound when nothing is sent.
    static let idleMax = 4

    private let system: any SystemCalls
    private(set) var idle: [TransferPipe] = []
    private(set) var lent: [TransferPipe] = []

    init(system: any SystemCalls) {
        self.system = system
    }

    func take() throws(Errno) -> TransferPipe {
        if let pipe = idle.popLast() {
            lent.append(pipe)
            return pipe
        }
        let pipe = try system.makeTransferPipe()
        lent.append(pipe)
        return pipe
    }

    /// Nothing may be in flight on the pipe any more.
    func giveBack(_ pipe: TransferPipe, isEmpty: Bool) {
        guard let index = lent.firstIndex(where: { $0.input == pipe.input }) else {
            preconditionFailure("a pipe was given back twice")
        }
        lent.remove(at: index)
        guard isEmpty, idle.count < Self.idleMax else { return close(pipe) }
        idle.append(pipe)
    }

    /// Closes all of them, or leaves those open for good that the kernel may still come to use.
    func close(keepingLent: Bool) {
        for pipe in keepingLent ? idle : idle + lent { close(pipe) }
        idle = []
        lent = []
    }

    private func close(_ pipe: TransferPipe) {
        // Nobody is left to hear of a failure.
        try? system.close(pipe.input)
        try? system.close(pipe.output)
    }
}
