import Proactor
import ProactorTesting

extension FuzzTarget {
    /// A stream's reads up to separators, lines and counts, in bytes that come in any pieces.
    static let separators = FuzzTarget(name: "separators") {
        let loop = try LoneLoop.make(.ring)
        // It is closed with what runs the inputs.
        let owner = LoopOwner(loop)
        return { input in
            var input = FuzzInput(input)
            let limit = 1 + input.number(below: 24)
            let reads = (0..<1 + input.number(below: 6)).map { _ in StreamRead(&input) }
            let cuts = (0..<4).map { _ in 1 + input.number(below: 16) }
            let content = StreamRead.narrow(input.rest())
            let reading = StreamReading(content, limit: limit, reads, cuts)
            try owner.loop.runUntilComplete(owner.loop.createTask { try await reading.check() })
        }
    }
}

private final class LoopOwner {
    let loop: BaseEventLoop

    init(_ loop: BaseEventLoop) {
        self.loop = loop
    }

    deinit {
        try? loop.close()
    }
}

/// One call, and what has to come of it.
private enum StreamRead {
    case until([UInt8])
    case untilAny([[UInt8]])
    case line
    case exactly(Int)
    case upTo(Int)
    case toEnd

    init(_ input: inout FuzzInput) {
        switch input.number(below: 12) {
        case 0...3: self = .until(Self.separator(&input))
        case 4...6: self = .untilAny((0..<1 + input.number(below: 3)).map { _ in Self.separator(&input) })
        case 7, 8: self = .line
        case 9: self = .exactly(input.number(below: 20))
        case 10: self = .upTo(input.number(below: 20))
        default: self = .toEnd
        }
    }

    private static func separator(_ input: inout FuzzInput) -> [UInt8] {
        // Of one byte, a word and more than a word.
        let count = [1, 1, 2, 3, 8, 9][input.number(below: 6)]
        return narrow(input.take(count) + [0])
    }

    /// Newlines and two letters.
    static func narrow(_ bytes: [UInt8]) -> [UInt8] {
        bytes.map { [UInt8(ascii: "\n"), UInt8(ascii: "a"), UInt8(ascii: "b")][Int($0 % 3)] }
    }

    var separators: [[UInt8]]? {
        switch self {
        case .until(let separator): [separator]
        case .untilAny(let separators): separators
        case .line: [[UInt8(ascii: "\n")]]
        case .exactly, .upTo, .toEnd: nil
        }
    }
}

/// A stream that is fed in pieces, read by some calls, and compared.
private final class StreamReading {
    private enum Outcome: Equatable {
        case bytes([UInt8])
        case incomplete([UInt8])
        case overrun
    }

    private let content: [UInt8]
    private let limit: Int
    private let reads: [StreamRead]
    private let cuts: [Int]
    private var fed = 0
    private var pieces = 0
    /// How much was read.
    private var position = 0

    init(_ content: [UInt8], limit: Int, _ reads: [StreamRead], _ cuts: [Int]) {
        self.content = content
        self.limit = limit
        self.reads = reads
        self.cuts = cuts
    }

    nonisolated(nonsending) func check() async throws {
        let loop = try getRunningLoop()
        let reader = try StreamReader(limit: limit)
        try feedLater(loop, reader)
        for index in 0...content.count {
            let read = reads[index % reads.count]
            let found = try await outcome(of: read, reader)
            try compare(found, read)
            if case .line = read, found == .overrun { break }
            if found == .overrun {
                // It has read nothing: a byte is skipped.
                _ = try await reader.readExactly(1)
                position += 1
            }
            if reader.atEOF { break }
        }
        // What is still to be fed is fed to nobody.
        while fed <= content.count { try await sleep(for: .zero) }
    }

    /// One piece a turn, and at last the end.
    private func feedLater(_ loop: any AbstractEventLoop, _ reader: StreamReader) throws {
        try loop.callSoon { [self] in
            guard fed < content.count else {
                fed += 1
                return reader.feedEOF()
            }
            let count = min(cuts[pieces % cuts.count], content.count - fed)
            pieces += 1
            reader.feedData(Array(content[fed..<fed + count]))
            fed += count
            try feedLater(loop, reader)
        }
    }

    nonisolated(nonsending) private func outcome(of read: StreamRead, _ reader: StreamReader) async throws
        -> Outcome
    {
        do {
            switch read {
            case .until(let separator): return .bytes(try await reader.readUntil(separator))
            case .untilAny(let separators): return .bytes(try await reader.readUntil(anyOf: separators))
            case .line: return .bytes(try await reader.readLine())
            case .exactly(let count): return .bytes(try await reader.readExactly(count))
            case .upTo(let count): return .bytes(try await reader.read(upTo: count))
            case .toEnd: return .bytes(try await reader.readToEnd())
            }
        } catch let error as IncompleteReadError {
            return .incomplete(error.partial)
        } catch is LimitOverrunError {
            return .overrun
        }
    }

    private func compare(_ found: Outcome, _ read: StreamRead) throws {
        let rest = Array(content[position...])
        let right = expected(of: read, rest)
        try demand(
            right.contains(found),
            "\(read) of \(rest) with a limit of \(limit) gave \(found) and none of \(right)"
        )
        switch found {
        case .bytes(let bytes), .incomplete(let bytes): position += bytes.count
        case .overrun: break
        }
    }

    /// What may come of a read: more than one thing where it depends on what has come by then, or on which of two separators
    /// that end together counts.
    private func expected(of read: StreamRead, _ rest: [UInt8]) -> [Outcome] {
        switch read {
        case .toEnd: return [.bytes(rest)]
        case .upTo(let count):
            let least = min(count, rest.count, 1)
            return (least...max(min(count, rest.count), least)).map { .bytes(Array(rest.prefix($0))) }
        case .exactly(let count):
            return [rest.count < count ? .incomplete(rest) : .bytes(Array(rest.prefix(count)))]
        case .line, .until, .untilAny: break
        }
        let separators = read.separators ?? []
        for end in 0...rest.count {
            let lengths = separators.filter { rest[..<end].suffix($0.count).elementsEqual($0) }.map(\.count)
            guard let longest = lengths.max(), let shortest = lengths.min() else { continue }
            let piece = Outcome.bytes(Array(rest[..<end]))
            if end - longest > limit { return [.overrun] }
            return end - shortest > limit ? [.overrun, piece] : [piece]
        }
        let overlap = (separators.map(\.count).max() ?? 1) - 1
        guard rest.count - overlap <= limit else { return [.overrun] }
        if case .line = read { return [.bytes(rest)] }
        return [.incomplete(rest)]
    }
}
