@testable import Proactor

extension BaseEventLoop {
    /// Has a turn deliver so many bytes, and a connection so many of them.
    func setBudget(bytes: Int, share: Int) {
        let budget = TurnBudget(bytes: bytes, share: share)
        switch backend {
        case let backend as UringBackend: backend.budget = budget
        case let backend as SelectorBackend: backend.budget = budget
        default: preconditionFailure("a backend that shares nothing out")
        }
    }
}
