/// Where a stream socket is in its life.
package enum StreamState {
    /// It has a peer, or had one until the connection broke.
    case connected
    case listening
    case unconnected
}
