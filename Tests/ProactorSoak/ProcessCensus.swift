import Glibc

/// What a process holds that a leak would show in.
struct ProcessCensus {
    /// Descriptors and what they stand for, but for timers: libdispatch alone makes them, at any time, and keeps them.
    let descriptors: [String]
    /// Threads that the library starts, or has the kernel start, by name.
    let threads: [String]
    let hasChildren: Bool

    static func take() -> ProcessCensus {
        let descriptors = entries(of: "/proc/self/fd").compactMap { number in
            target(of: "/proc/self/fd/\(number)").map { "\(number) \($0)" }
        }.filter { !$0.hasSuffix("anon_inode:[timerfd]") }
        let names = entries(of: "/proc/self/task").compactMap { content(of: "/proc/self/task/\($0)/comm") }
        let threads = names.filter { name in
            ["soak", "proactor", "iou-"].contains { name.hasPrefix($0) }
        }
        return ProcessCensus(descriptors: descriptors, threads: threads, hasChildren: hasAnyChildren())
    }

    private static func hasAnyChildren() -> Bool {
        var info = siginfo_t()
        // Looks, and takes nothing.
        return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0
    }

    private static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix("."), name != "\(dirfd(directory))" { names.append(name) }
        }
        return names
    }

    private static func target(of path: String) -> String? {
        var bytes = [CChar](repeating: 0, count: 256)
        let count = readlink(path, &bytes, bytes.count)
        return count < 0
            ? nil : String(decoding: bytes[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func content(of path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
