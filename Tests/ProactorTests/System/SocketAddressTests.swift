import SystemPackage
import Testing

@testable import Proactor

@Suite struct SocketAddressTests {
    /// The kernel's library would read them up to there, as other addresses.
    @Test func noAddressHasAZeroInIt() {
        #expect(IPv4Address("127.0.0.1\0") == nil)
        #expect(IPv4Address("127.0.0.1\0.example.org") == nil)
        #expect(IPv6Address("::1\0x") == nil)
        #expect(SocketAddress(numericHost: "127.0.0.1\0x", port: 1) == nil)
        #expect(SocketAddress(numericHost: "::1\0x", port: 1) == nil)
        #expect(SocketAddress(numericHost: "::1%lo\0x", port: 1) == nil)
        #expect(SocketAddress(numericHost: "::1%lo", port: 1) != nil)
    }

    @Test(arguments: ["", "\0name", "/run/a\0b"])
    func aPathThatNamesAnotherSocketIsRefused(path: String) {
        #expect(throws: Errno.invalidArgument) { try SocketAddress.unix(path: path).kernelForm() }
    }

    @Test(arguments: [[], [0, 1, 0], Array("name".utf8)])
    func anAbstractNameMayHoldAnyBytes(name: [UInt8]) throws {
        let form = try SocketAddress.unixAbstract(name: name).kernelForm()
        #expect(SocketAddress(form.storage, length: form.length) == .unixAbstract(name: name))
    }

    @Test func addressesAreTheSameWhenTheirBytesAre() {
        let text = SocketAddress.unix(path: "/tmp/caf\u{e9}")
        #expect(text == .unixBytes(path: Array("/tmp/caf\u{e9}".utf8)))
        #expect(text.hashValue == SocketAddress.unixBytes(path: Array("/tmp/caf\u{e9}".utf8)).hashValue)
        // The same to Swift, and another file.
        #expect("/tmp/caf\u{e9}" == "/tmp/cafe\u{301}")
        #expect(text != .unix(path: "/tmp/cafe\u{301}"))
        let different: Set<SocketAddress> = [
            text, .unix(path: "/tmp/cafe\u{301}"), .unixBytes(path: [0x2f, 0xff]),
            .unixBytes(path: [0x2f, 0xfe]), .unixAbstract(name: [0xff]), .unixAbstract(name: []),
            .unixUnnamed,
            .ipv4(.loopback, port: 1), .ipv4(.loopback, port: 2), .ipv6(.loopback, port: 1),
            .ipv6(.loopback, port: 1, scopeID: 1), .ipv6(.loopback, port: 1, flowInfo: 1),
        ]
        #expect(different.count == 12)
        for address in different { #expect(different.contains(address)) }
    }

    @Test func bytesTakeTheFormThatHoldsThem() {
        #expect(SocketAddress(unixPath: Array("/run/it".utf8)) == .unix(path: "/run/it"))
        guard case .unix("/run/it") = SocketAddress(unixPath: Array("/run/it".utf8)) else {
            Issue.record("text is not a text")
            return
        }
        guard case .unixBytes([0x2f, 0xff]) = SocketAddress(unixPath: [0x2f, 0xff]) else {
            Issue.record("what is no text became one")
            return
        }
        #expect(SocketAddress(unixPath: FilePath("/run/it")) == .unix(path: "/run/it"))
        #expect(SocketAddress.unixBytes(path: [0x2f, 0xff]).pathBytes == [0x2f, 0xff])
        #expect(SocketAddress.unixAbstract(name: [1]).pathBytes == nil)
        #expect(SocketAddress.unixBytes(path: [1]).family == .unix)
        let long = [UInt8](repeating: 0x70, count: 109)
        #expect(throws: Errno.fileNameTooLong) { try SocketAddress(unixPath: long).kernelForm() }
        for bytes: [UInt8] in [[], [0xff, 0, 0xff]] {
            #expect(throws: Errno.invalidArgument) { try SocketAddress.unixBytes(path: bytes).kernelForm() }
        }
    }

    @Test(arguments: [
        (SocketAddress.unix(path: "/run/app.sock"), "/run/app.sock"),
        (.unix(path: "/tmp/caf\u{e9} \u{1f600}"), "/tmp/caf\u{e9} \u{1f600}"),
        (.unixBytes(path: [0x2f, 0xff, 0x61, 0xc3]), "/\\xffa\\xc3"),
        (.unix(path: "/a\nb\u{1b}[2J\\x"), "/a\\x0ab\\x1b[2J\\\\x"),
        (.unix(path: "/\u{202e}gnp"), "/\\xe2\\x80\\xaegnp"),
        (.unixAbstract(name: [0, 0x61, 0xfe, 0]), "@\\x00a\\xfe\\x00"), (.unixUnnamed, "(unnamed)"),
    ])
    func aDescriptionShowsEveryByteOnOneLine(address: SocketAddress, text: String) {
        #expect(address.description == text)
    }
}
