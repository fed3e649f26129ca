import Proactor
import Testing

@testable import ProactorTLS

struct ServerNameTests {
    @Test(arguments: [
        ("example.com", "example.com"), ("EXAMPLE.com.", "example.com"), ("localhost", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("_dns.example.com", "_dns.example.com"), ("a.b", "a.b"), ("face.com", "face.com"),
        ("3com.example", "3com.example"),
        (String(repeating: "a", count: 63) + ".com", String(repeating: "a", count: 63) + ".com"),
    ])
    func namesAreWrittenAsCertificatesHaveThem(given: String, name: String) throws {
        let serverName = try TLSServerName(given)
        #expect(serverName.text == name)
        #expect(serverName.address == nil)
    }

    @Test(arguments: [
        ("127.0.0.1", [127, 0, 0, 1]), ("127.1", [127, 0, 0, 1]), ("0x7f000001", [127, 0, 0, 1]),
        ("::1", [UInt8](repeating: 0, count: 15) + [1]), ("[::1]", [UInt8](repeating: 0, count: 15) + [1]),
        ("fe80::1%eth0", [0xFE, 0x80] + [UInt8](repeating: 0, count: 13) + [1]),
        ("::ffff:1.2.3.4", [UInt8](repeating: 0, count: 10) + [255, 255, 1, 2, 3, 4]),
    ])
    func addressesAreAddresses(given: String, bytes: [UInt8]) throws {
        #expect(try TLSServerName(given).address == bytes)
    }

    @Test(arguments: [
        ".", "..", ".example.com", "example..com", "a b", "a/b", "*.example.com", "-a.com", "a-.com",
        "exam\0ple.com", "a:b",
        "user@example.com", String(repeating: "a", count: 64) + ".com",
        String(repeating: "abcdefgh.", count: 32) + "com", "127.0.0.1 x", "exa mple.com",
        "https://example.com",
    ])
    func whatIsNeitherIsRefused(given: String) throws {
        let error = #expect(throws: TLSError.self) { try TLSServerName(given) }
        guard case .invalidSetting = error?.reason else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [
        ([127, 0, 0, 1], "127.0.0.1"), ([UInt8](repeating: 0, count: 15) + [1], "::1"),
        ([UInt8](repeating: 0, count: 16), "::"),
        ([0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1], "2001:db8::1"),
        ([UInt8](repeating: 1, count: 16), "101:101:101:101:101:101:101:101"),
    ])
    func addressesAreWrittenShort(bytes: [UInt8], text: String) {
        #expect(TLSAddressText.text(of: bytes) == text)
    }
}
