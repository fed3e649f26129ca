#if NIO
    import Glibc
    import NIOCore

    /// A folder of its own for a test, which goes with it.
    final class TemporaryFolder: Sendable {
        let path: String

        init() throws {
            var template = Array("/tmp/proactor-nio-XXXXXX".utf8CString)
            guard let made = mkdtemp(&template) else { throw IOError(errnoCode: errno, reason: "mkdtemp") }
            path = String(cString: made)
        }

        deinit {
            guard let folder = opendir(path) else { return }
            while let entry = readdir(folder) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    // The kernel ends the name with a zero.
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { unlink(path + "/" + name) }
            }
            closedir(folder)
            rmdir(path)
        }

        /// A file in it, open for reading.
        func file(_ bytes: [UInt8], called name: String) throws -> NIOFileHandle {
            try NIOFileHandle(_deprecatedPath: write(bytes, to: name))
        }

        /// A file in it.
        func write(_ bytes: [UInt8], to name: String) throws -> String {
            let file = path + "/" + name
            let descriptor = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "open") }
            defer { close(descriptor) }
            guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
                throw IOError(errnoCode: errno, reason: "write")
            }
            return file
        }
    }
#endif
