import Testing

@testable import Proactor

@Suite struct TLSPhaseTests {
    @Test func noPhaseComesBack() {
        let all: [TLSPhase] = [.handshaking, .open, .closing, .shuttingDown, .ending, .ended]
        for (index, phase) in all.enumerated() {
            for earlier in all[...index] { #expect(!phase.leads(to: earlier)) }
            #expect(phase.leads(to: .ended) == (phase != .ended))
        }
        #expect(!TLSPhase.handshaking.leads(to: .closing) && !TLSPhase.open.leads(to: .shuttingDown))
        #expect(TLSPhase.closing.leads(to: .shuttingDown) && TLSPhase.handshaking.leads(to: .ending))
    }
}
