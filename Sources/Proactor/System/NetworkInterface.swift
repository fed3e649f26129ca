import Glibc

/// Looking up network interfaces.
enum NetworkInterface {
    /// The index by which the kernel knows the interface called `name`.
    static func index(named name: String) -> UInt32? {
        let index = if_nametoindex(name)
        return index == 0 ? nil : index
    }
}
