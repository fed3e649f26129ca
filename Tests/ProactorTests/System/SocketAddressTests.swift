import SystemPackage
import Testing

@testable import Proactor

@Suite struct SocketAddressTests {
    @Test(arguments: ["", "\0name", "/run/a\0b"])
    func aPathThatNamesAnotherSocketIsRefused(path: String) {
        #expect(throws: Errno.invalidArgument) { try SocketAddress.unix(path: path).kernelForm() }
    }

    @Test(arguments: [[], [0, 1, 0], Array("name".utf8)])
    func anAbstractNameMayHoldAnyBytes(name: [UInt8]) throws {
        let form = try SocketAddress.unixAbstract(name: name).kernelForm()
        #expect(SocketAddress(form.storage, length: form.length) == .unixAbstract(name: name))
    }
}
