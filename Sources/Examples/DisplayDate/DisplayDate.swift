import Foundation
import Proactor

/// The date five times, with `callLater`: once a second, or at the interval that is given in milliseconds.
@main
struct DisplayDate {
    static func main() throws {
        let milliseconds = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 1000
        let interval = Duration.milliseconds(milliseconds)
        let loop = try EventLoop()
        defer { try? loop.close() }
        try loop.callSoon { try displayDate(times: 5, every: interval, on: loop) }
        try loop.runForever()
    }

    static func displayDate(times: Int, every interval: Duration, on loop: EventLoop) throws {
        print(Date())
        guard times > 1 else { return loop.stop() }
        try loop.callLater(interval) { try displayDate(times: times - 1, every: interval, on: loop) }
    }
}
