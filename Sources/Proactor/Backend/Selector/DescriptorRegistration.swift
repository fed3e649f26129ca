/// What a selector backend knows of one descriptor number.
struct DescriptorRegistration: BitwiseCopyable {
    /// The operation on the read side, from its submission until it is cancelled or its last completion is delivered.
    var reader: OperationToken?
    /// The same on the write side.
    var writer: OperationToken?
    /// What the operations wait for.
    var interest: Readiness = []

    /// The operation of one side.
    subscript(side: Readiness) -> OperationToken? {
        get { side == .read ? reader : writer }
        set { if side == .read { reader = newValue } else { writer = newValue } }
    }
}
