/// Bytes that are text for the most part, in a form that shows all of them on one line.
enum EscapedBytes {
    /// The bytes as UTF-8, but for backslashes and for what is no text or cannot be seen.
    static func text(of bytes: [UInt8]) -> String {
        // As most are.
        if bytes.allSatisfy({ 0x20...0x7e ~= $0 && $0 != UInt8(ascii: "\\") }) {
            return String(decoding: bytes, as: UTF8.self)
        }
        var text = ""
        var decoder = UTF8.ForwardParser()
        var rest = bytes.makeIterator()
        // What is left of the bytes that were not read yet, for those that turn out to be none.
        var position = 0
        while true {
            switch decoder.parseScalar(from: &rest) {
            case .valid(let encoded):
                let scalar = UTF8.decode(encoded)
                append(scalar, bytes[position..<position + encoded.count], to: &text)
                position += encoded.count
            case .error(let length):
                for byte in bytes[position..<position + length] { append(byte, to: &text) }
                position += length
            case .emptyInput:
                return text
            }
        }
    }

    private static func append(_ scalar: Unicode.Scalar, _ bytes: ArraySlice<UInt8>, to text: inout String) {
        guard scalar != "\\" else {
            text += "\\\\"
            return
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
            for byte in bytes { append(byte, to: &text) }
        default:
            text.unicodeScalars.append(scalar)
        }
    }

    private static func append(_ byte: UInt8, to text: inout String) {
        let digits = String(byte, radix: 16)
        text += "\\x" + (digits.utf8.count == 1 ? "0" : "") + digits
    }
}
