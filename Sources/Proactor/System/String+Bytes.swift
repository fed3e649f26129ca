import Glibc

extension String {
    /// Whether one of its UTF-8 bytes is this one. Searched for by the C library, whatever the string's length.
    func holds(_ byte: UInt8) -> Bool {
        var string = self
        // memchr stays within the bytes that are lent.
        return string.withUTF8 { bytes in
            bytes.baseAddress.map { memchr($0, Int32(byte), bytes.count) != nil } ?? false
        }
    }
}
