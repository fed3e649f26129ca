import SystemPackage

@testable import Proactor

/// The real calls, but for a clock that can be stopped and put forward, sends that can be cut short, and failures that a test asks for.
///
/// `@unchecked Sendable`: a test changes it on the loop's thread only, but for the clock.
final class FaultySystemCalls: ForwardingSystemCalls, @unchecked Sendable {
    var sendLimit = Int.max
    /// What the next sends at once end with, instead of sending anything.
    var sendFailures: [Errno] = []
    var bindFailure: Errno?
    /// What the next attempts to send datagrams end with, instead of sending any.
    var datagramSendFailures: [Errno] = []
    /// How many datagrams went out by one call, for each call.
    private(set) var datagramBatches: [Int] = []
    /// The one thing that other threads may change: a loop's time can pass while it sleeps.
    private let stoppedClock = ThreadLock<LoopInstant?>(nil)

    func stopClock() {
        let now = super.now()
        stoppedClock.withLock { $0 = now }
    }

    func advance(by duration: Duration) {
        stoppedClock.withLock { clock in
            precondition(
                clock != nil,
                "a clock that goes on by itself is put forward by more than the test says"
            )
            clock = clock?.advanced(by: duration)
        }
    }

    override func now() -> LoopInstant { stoppedClock.withLock { $0 } ?? super.now() }

    override func bind(_ socket: FileDescriptor, to address: SocketAddress) throws(Errno) {
        if let bindFailure { throw bindFailure }
        try super.bind(socket, to: address)
    }

    override func sendWithoutWaiting(_ bytes: UnsafeRawBufferPointer, on socket: FileDescriptor) -> Int {
        guard sendFailures.isEmpty else { return -Int(sendFailures.removeFirst().rawValue) }
        return super.sendWithoutWaiting(.init(rebasing: bytes.prefix(sendLimit)), on: socket)
    }

    override func sendDatagrams(
        _ datagrams: UnsafeBufferPointer<OutgoingDatagram>,
        on socket: FileDescriptor,
        runSizeMax: inout UInt32
    ) -> Int {
        guard datagramSendFailures.isEmpty else { return -Int(datagramSendFailures.removeFirst().rawValue) }
        let result = super.sendDatagrams(datagrams, on: socket, runSizeMax: &runSizeMax)
        datagramBatches.append(result)
        return result
    }

    /// How often an option's value was asked for.
    private(set) var optionCount = 0

    override func option(_ option: SocketOption, of socket: FileDescriptor) throws(Errno) -> Int32 {
        optionCount += 1
        return try super.option(option, of: socket)
    }
}
