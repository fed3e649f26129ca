import Testing

extension Trait where Self == ConditionTrait {
    /// For tests of the ring itself: not where `PROACTOR_TEST_LOOPS` leaves the ring out.
    static var needsRing: Self {
        .enabled(if: LoopKind.allCases.contains(.ring), "PROACTOR_TEST_LOOPS leaves the ring out")
    }
}
