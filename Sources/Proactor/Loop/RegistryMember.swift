/// What a loop keeps in a ``Registry`` until it is closed: a transport, a listener, a child process.
protocol RegistryMember: AnyObject, CustomStringConvertible {
    /// Its place in the registry, for the registry's use.
    var registryIndex: Int32 { get set }
    /// The loop closes, and nothing is in flight any more. In a fork, what exists outside of the process, such as a child or a
    /// file, is left to the parent.
    func closeWithLoop(inFork: Bool)
}
