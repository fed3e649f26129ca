import SystemPackage

/// Waits until one of many descriptors is ready, level-triggered. Thread rule: the loop's thread only.
protocol Selector: AnyObject {
    /// Watches `descriptor` (zero or more) for exactly `interest`, and no longer at all when that is empty, which cannot
    /// fail. After a failure the descriptor is watched for what it was before.
    func watch(_ descriptor: Int32, for interest: Readiness) throws(Errno)

    /// Waits for descriptors that are ready, without limit for a negative timeout, and returns how many it put into
    /// `ready`: none when the time is over or a signal came. What finds no room is found by the next waits, without
    /// starving any.
    func wait(timeoutNanoseconds: Int64, into ready: UnsafeMutableBufferPointer<ReadyDescriptor>) -> Int

    /// Lets go of the selector's own descriptor, if it has one. Called once, as the last call.
    func close()
}

/// One finding of a wait. An error or a hang-up counts as ready for both: the call that is then made says what is wrong.
package struct ReadyDescriptor: BitwiseCopyable {
    package var descriptor: Int32
    package var readiness: Readiness

    package init(descriptor: Int32, readiness: Readiness) {
        self.descriptor = descriptor
        self.readiness = readiness
    }
}
