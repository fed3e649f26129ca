import Proactor

/// Hello World with `callSoon`.
@main
struct Hello {
    static func main() throws {
        let loop = try EventLoop()
        defer { try? loop.close() }
        // A call, which stops the loop that runs it.
        try loop.callSoon {
            print("Hello World")
            loop.stop()
        }
        // Blocks until stop().
        try loop.runForever()
    }
}
