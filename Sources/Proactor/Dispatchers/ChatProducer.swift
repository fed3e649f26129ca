/// Something that makes data for an ``AsyncChat`` piece by piece, as the connection takes it: asynchat's producer.
///
/// ```swift
/// final class Countdown: ChatProducer {
///     var left = 3
///     func more() -> [UInt8] {
///         defer { left -= 1 }
///         return left > 0 ? Array("\(left)\n".utf8) : []
///     }
/// }
/// ```
public protocol ChatProducer: AnyObject {
    /// The next piece; nothing when there is no more, and then it is not asked again.
    func more() throws -> [UInt8]
}
