@testable import Proactor

/// Answers from a script, one answer a call, and asks the kernel when the script is over.
final class FaultySocketCalls: SocketCalls {
    var acceptErrors: [Int32] = []
    var receiveErrors: [Int32] = []
    var sendErrors: [Int32] = []
    var connectErrors: [Int32] = []
    /// The most that one send takes.
    var sendMax = Int.max

    /// The longest datagram that is received whole.
    var datagramMax = Int.max
    var datagramErrors: [Int32] = []

    private func next(_ script: inout [Int32]) -> Int32? {
        script.isEmpty ? nil : -script.removeFirst()
    }

    override func accept(_ listener: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        next(&acceptErrors) ?? super.accept(listener, address)
    }

    override func receive(_ socket: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int32 {
        next(&receiveErrors) ?? super.receive(socket, buffer)
    }

    override func receiveDatagram(
        _ socket: Int32,
        _ buffer: UnsafeMutableRawBufferPointer,
        _ reception: UnsafeMutablePointer<DatagramReception>
    ) -> Int32 {
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(datagramMax))
        return next(&datagramErrors) ?? super.receiveDatagram(socket, room, reception)
    }

    override func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        next(&sendErrors) ?? super.send(socket, UnsafeRawBufferPointer(rebasing: bytes.prefix(sendMax)))
    }

    override func connect(_ socket: Int32, _ address: UnsafeMutablePointer<KernelAddress>) -> Int32 {
        next(&connectErrors) ?? super.connect(socket, address)
    }
}
