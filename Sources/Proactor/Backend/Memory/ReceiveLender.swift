/// What can leave received bytes where they are for longer than their delivery, so that who sends them on need not copy them.
///
/// The room that they take is missed by everybody who receives. So a loan is for one attempt to send that cannot wait, and ends with
/// it.
protocol ReceiveLender: AnyObject {
    /// Lends bytes, if they are, or lie within, those that are being delivered, and there is room for others.
    ///
    /// - Returns: the loan, to be ended by ``endLoan(_:)``; below zero where there is none, and the bytes have to be copied.
    func lend(_ bytes: UnsafeRawBufferPointer) -> Int32

    /// The bytes are not needed any more. Once for each loan.
    func endLoan(_ loan: Int32)
}
