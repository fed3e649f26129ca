import Glibc
import SystemPackage

/// The descriptors of a process: the lowest free number is the next one.
///
/// Its own numbers begin high, so that a descriptor of the real system's is none of the simulation's and is found out.
struct DescriptorTable {
    static let first: Int32 = 64
    /// How many there may be.
    var limit = 65_536
    private var files: [OpenFile?] = []
    /// The standard streams of a child.
    private var standard: [OpenFile?] = [nil, nil, nil]
    private var lowestFree = 0
    private(set) var count = 0

    /// The number of another descriptor of `file`, whose reference is handed over; `nil` when there are too many.
    mutating func insert(_ file: OpenFile) -> FileDescriptor? {
        guard count < limit else { return nil }
        count += 1
        while lowestFree < files.count, files[lowestFree] != nil { lowestFree += 1 }
        if lowestFree == files.count { files.append(file) } else { files[lowestFree] = file }
        lowestFree += 1
        return FileDescriptor(rawValue: Self.first + Int32(lowestFree - 1))
    }

    /// Puts a file where a program expects one of its standard streams.
    mutating func setStandard(_ number: Int, _ file: OpenFile) {
        standard[number] = file
    }

    func file(_ descriptor: Int32) -> OpenFile? {
        let index = Int(descriptor) - Int(Self.first)
        guard index >= 0 else { return descriptor >= 0 && descriptor < 3 ? standard[Int(descriptor)] : nil }
        return index < files.count ? files[index] : nil
    }

    mutating func remove(_ descriptor: Int32) -> OpenFile? {
        let index = Int(descriptor) - Int(Self.first)
        guard index >= 0 else {
            guard descriptor >= 0, descriptor < 3 else { return nil }
            return standard[Int(descriptor)].take()
        }
        guard index < files.count, let file = files[index] else { return nil }
        files[index] = nil
        lowestFree = min(lowestFree, index)
        count -= 1
        return file
    }

    /// All that are open, lowest first.
    var open: [(descriptor: FileDescriptor, file: OpenFile)] {
        let streams = standard.enumerated().compactMap { index, file in
            file.map { (FileDescriptor(rawValue: Int32(index)), $0) }
        }
        return streams
            + files.enumerated().compactMap { index, file in
                file.map { (FileDescriptor(rawValue: Self.first + Int32(index)), $0) }
            }
    }
}
