import Testing

@testable import Proactor

@Suite struct AddressOrderTests {
    private let mixed: [SocketAddress] = [six(1), six(2), six(3), four(1), four(2)]

    @Test func familiesTakeTurnsAfterTheFirstOnes() {
        #expect(
            AddressOrder.interleaved(mixed, firstFamilyCount: 1) == [
                six(1), four(1), six(2), four(2), six(3),
            ]
        )
        #expect(
            AddressOrder.interleaved(mixed, firstFamilyCount: 2) == [
                six(1), six(2), four(1), six(3), four(2),
            ]
        )
    }

    @Test func theFirstAddressDecidesWhichFamilyComesFirst() {
        let order = AddressOrder.interleaved([four(1), six(1), six(2)], firstFamilyCount: 1)
        #expect(order == [four(1), six(1), six(2)])
    }

    @Test func moreThanTheFirstFamilyHasIsAllOfIt() {
        #expect(AddressOrder.interleaved(mixed, firstFamilyCount: 9) == mixed)
    }

    @Test func oneFamilyKeepsItsOrder() {
        let addresses = [four(3), four(1), four(2)]
        #expect(AddressOrder.interleaved(addresses, firstFamilyCount: 1) == addresses)
        #expect(AddressOrder.interleaved([], firstFamilyCount: 1).isEmpty)
    }
}

private func four(_ number: UInt32) -> SocketAddress {
    .ipv4(IPv4Address(rawValue: 0x7f00_0000 + number), port: 80)
}

private func six(_ number: UInt64) -> SocketAddress {
    .ipv6(IPv6Address(high: 0, low: number), port: 80)
}
