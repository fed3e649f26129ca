import Testing

@testable import Proactor

@Suite struct OperationTokenTests {
    @Test func partsComeBack() {
        let token = OperationToken(kind: .sendMessage, generation: 0xabcdef, slot: 0x8765_4321)
        #expect(token.kind == .sendMessage)
        #expect(token.generation == 0xabcdef)
        #expect(token.slot == 0x8765_4321)
        #expect(token.rawValue == UInt64(OperationKind.sendMessage.rawValue) << 56 | 0xab_cdef_8765_4321)
        #expect(OperationToken(rawValue: token.rawValue) == token)
    }

    @Test func aGenerationTooLargeDoesNotReachTheKind() {
        let token = OperationToken(kind: .accept, generation: .max, slot: .max)
        #expect(token.kind == .accept)
        #expect(token.generation == OperationToken.generationMask)
        #expect(token.slot == .max)
    }

    @Test func aNumberThatIsNoTokenHasNoKind() {
        #expect(OperationToken(rawValue: 42).kind == nil)
    }
}
