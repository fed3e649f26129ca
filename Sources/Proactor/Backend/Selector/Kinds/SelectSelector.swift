import CPosix
import Glibc
import SystemPackage

/// ``Selector`` by pselect(2).
///
/// The limit of 1,024 descriptors is that of the C library's `fd_set`. The kernel takes bit arrays of any length, and
/// these are as long as the highest descriptor needs.
final class SelectSelector: Selector {
    private typealias Word = UInt

    /// Bit arrays: what is watched, and the copies that the kernel overwrites with what is ready.
    @exclusivity(unchecked) private var readInterest = RawList<Word>()
    @exclusivity(unchecked) private var writeInterest = RawList<Word>()
    @exclusivity(unchecked) private var readable = RawList<Word>()
    @exclusivity(unchecked) private var writable = RawList<Word>()
    /// What is watched for a hang-up: as for reading, since nothing else tells, and then looked at closely.
    @exclusivity(unchecked) private var hangUpInterest = RawList<Word>()
    /// The word where the next search begins, so that all descriptors have their turn when too many are ready.
    @exclusivity(unchecked) private var searchStart = 0

    func watch(_ descriptor: Int32, for interest: Readiness) throws(Errno) {
        let (word, bit) = Int(descriptor).quotientAndRemainder(dividingBy: Word.bitWidth)
        readInterest.extend(to: word + 1, filling: 0)
        writeInterest.extend(to: word + 1, filling: 0)
        hangUpInterest.extend(to: word + 1, filling: 0)
        readable.extend(to: word + 1, filling: 0)
        writable.extend(to: word + 1, filling: 0)
        let mask: Word = 1 << Word(bit)
        // The kernel passes over numbers beyond its own table: no wait would ever say that this one is closed.
        let isNew = (readInterest[word] | writeInterest[word]) & mask == 0
        if isNew, !interest.isEmpty, fcntl(descriptor, F_GETFD) < 0 { throw .badFileDescriptor }
        let isRead = !interest.isDisjoint(with: [.read, .hangUp])
        readInterest[word] = readInterest[word] & ~mask | (isRead ? mask : 0)
        hangUpInterest[word] = hangUpInterest[word] & ~mask | (interest.contains(.hangUp) ? mask : 0)
        writeInterest[word] = writeInterest[word] & ~mask | (interest.contains(.write) ? mask : 0)
    }

    func wait(timeoutNanoseconds: Int64, into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int {
        precondition(ready.count >= Word.bitWidth, "a word's descriptors must fit, or the last would starve")
        let wordCount = readInterest.count
        readable.base.update(from: readInterest.base, count: wordCount)
        writable.base.update(from: writeInterest.base, count: wordCount)
        let limit = Int32(wordCount * Word.bitWidth)
        let result = cposix_pselect(limit, readable.base, writable.base, nil, timeoutNanoseconds)
        if result == -EBADF { findClosed() } else if result <= 0 { return 0 }
        return collect(into: ready)
    }

    func close() {}

    /// One closed descriptor fails the whole call: report those as ready, so that their operations end with EBADF.
    private func findClosed() {
        for word in 0..<readInterest.count {
            var closed: Word = 0
            forEachBit(readInterest[word] | writeInterest[word]) { bit in
                let isClosed = fcntl(Int32(word * Word.bitWidth + bit), F_GETFD) < 0
                if isClosed { closed |= 1 << Word(bit) }
            }
            readable[word] = readInterest[word] & closed
            writable[word] = writeInterest[word] & closed
        }
    }

    private func collect(into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int {
        var count = 0
        var word = searchStart
        for _ in 0..<readable.count {
            let (read, write) = (readable[word], writable[word])
            guard count + (read | write).nonzeroBitCount <= ready.count else { break }
            forEachBit(read | write) { bit in
                var readiness: Readiness = []
                if read >> Word(bit) & 1 != 0 { readiness.insert(.read) }
                if write >> Word(bit) & 1 != 0 { readiness.insert(.write) }
                if (read & hangUpInterest[word]) >> Word(bit) & 1 != 0 {
                    readiness = lookClosely(word, bit, readiness)
                }
                guard !readiness.isEmpty else { return }
                ready[count] = ReadyDescriptor(
                    descriptor: Int32(word * Word.bitWidth + bit),
                    readiness: readiness
                )
                count += 1
            }
            word = word + 1 == readable.count ? 0 : word + 1
        }
        searchStart = word
        return count
    }

    /// Tells a hang-up from data. What has data to read, and nobody who reads it, is watched no longer: it would be found
    /// again and again.
    private func lookClosely(_ word: Int, _ bit: Int, _ readiness: Readiness) -> Readiness {
        var entry = pollfd(fd: Int32(word * Word.bitWidth + bit), events: 0, revents: 0)
        if poll(&entry, 1, 0) > 0 { return readiness.subtracting(.read).union(.hangUp) }
        readInterest[word] &= ~(1 << Word(bit))
        return readiness.subtracting(.read)
    }

    private func forEachBit(_ word: Word, _ body: (Int) -> Void) {
        var rest = word
        while rest != 0 {
            body(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }
}
