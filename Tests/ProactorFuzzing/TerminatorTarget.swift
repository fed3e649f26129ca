import Proactor
import ProactorTesting
import SystemPackage

extension FuzzTarget {
    /// asynchat's terminators, in bytes that come in any pieces.
    static let terminators = FuzzTarget(name: "terminators") {
        let line = try ChatLine()
        return { input in
            var input = FuzzInput(input)
            let script = TerminatorScript(&input)
            let size = 1 + input.number(below: 20)
            let cuts = (0..<4).map { _ in 1 + input.number(below: 30) }
            let content = FuzzInput.narrow(input.rest())
            try line.check(script, content, receiving: size, cuts)
        }
    }
}

/// Which terminator comes after which.
private struct TerminatorScript {
    let all: [AsyncChat.Terminator]

    init(_ input: inout FuzzInput) {
        all = (0..<1 + input.number(below: 4)).map { _ in
            switch input.number(below: 8) {
            case 0: .none
            case 1, 2: .count(1 + input.number(below: 12))
            default: .bytes(FuzzInput.narrow(input.take(1 + input.number(below: 4)) + [0]))
            }
        }
    }

    /// The terminator of the piece with this number.
    subscript(piece: Int) -> AsyncChat.Terminator { all[piece % all.count] }

    /// The pieces that content comes to, byte by byte, and what belongs to no piece yet.
    func pieces(of content: [UInt8]) -> (pieces: [[UInt8]], rest: [UInt8]) {
        var pieces: [[UInt8]] = []
        var current: [UInt8] = []
        for byte in content {
            current.append(byte)
            switch self[pieces.count] {
            case .none: continue
            case .count(let count): guard current.count == count else { continue }
            case .bytes(let bytes):
                guard current.suffix(bytes.count).elementsEqual(bytes) else { continue }
                current.removeLast(bytes.count)
            }
            pieces.append(current)
            current = []
        }
        return (pieces, current)
    }
}

/// A loop with pairs of connected sockets, all in memory.
private final class ChatLine {
    private let loop: BaseEventLoop
    private let map: DispatcherMap
    private let listener: FileDescriptor
    private static let address = SocketAddress.unixAbstract(name: [1])

    init() throws {
        loop = try LoneLoop.make(.selector)
        map = try DispatcherMap(of: loop)
        listener = try loop.backend.system.makeSocket(.unix, .stream, protocolNumber: 0)
        try loop.backend.system.bind(listener, to: Self.address)
        try loop.backend.system.listen(listener, backlog: 4)
    }

    deinit {
        try? loop.backend.system.close(listener)
        try? loop.close()
    }

    func check(
        _ script: TerminatorScript,
        _ content: [UInt8],
        receiving size: Int,
        _ cuts: [Int]
    ) throws {
        let system = loop.backend.system
        let peer = try system.makeSocket(.unix, .stream, protocolNumber: 0)
        _ = try system.direct.connect(peer, to: Self.address)
        guard let accepted = try system.direct.accept(listener) else {
            throw FuzzFinding("nobody has connected")
        }
        let chat = try ScriptedChat(socket: accepted.socket, map: map)
        chat.script = script
        try chat.setTerminator(script[0])
        chat.inputBufferSize = size
        defer {
            chat.close()
            try? system.close(peer)
        }
        var rest = content[...]
        var piece = 0
        while !rest.isEmpty {
            let part = Array(rest.prefix(cuts[piece % cuts.count]))
            rest = rest.dropFirst(part.count)
            piece += 1
            let sent = part.withUnsafeBytes { system.direct.write($0, to: peer, isSocket: true) }
            try demand(sent == part.count, "\(sent) of \(part.count) bytes were sent")
            while system.isReady(accepted.socket, for: .read) { try chat.handleRead() }
        }
        try compare(chat, script, content)
    }

    private func compare(_ chat: ScriptedChat, _ script: TerminatorScript, _ content: [UInt8]) throws {
        let expected = script.pieces(of: content)
        try demand(chat.pieces == expected.pieces, "\(chat.pieces) and not \(expected.pieces)")
        // What may be the beginning of a terminator is held back.
        let held = expected.rest.dropFirst(chat.current.count)
        try demand(
            expected.rest.starts(with: chat.current),
            "\(chat.current) was collected of \(expected.rest)"
        )
        if case .bytes(let bytes) = script[expected.pieces.count] {
            try demand(
                bytes.starts(with: held) && held.count < bytes.count,
                "\(held) is held back of \(bytes)"
            )
        } else {
            try demand(held.isEmpty, "\(held) is held back")
        }
    }
}

private final class ScriptedChat: AsyncChat {
    var script: TerminatorScript?
    private(set) var pieces: [[UInt8]] = []
    private(set) var current: [UInt8] = []

    override func collectIncomingData(_ data: [UInt8]) throws {
        try demand(!data.isEmpty, "nothing was collected")
        current += data
    }

    override func foundTerminator() throws {
        pieces.append(current)
        current = []
        if let script { try setTerminator(script[pieces.count]) }
    }
}
