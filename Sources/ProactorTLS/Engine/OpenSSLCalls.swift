import COpenSSL
import Proactor

// Nothing of it is used: who imports it has the library linked, and with BoringSSL there is none to link.
#if !BoringSSL
    import CLibSSL
#endif

/// What the library calls, made known to it once for the process.
enum OpenSSLCalls {
    /// Whether it could be.
    static let areKnown: Bool = {
        var calls = cssl_calls()
        calls.take = { owner, buffer, size in
            engine(owner) { $0.take(into: UnsafeMutableRawBufferPointer(start: buffer, count: size)) }
        }
        calls.has_more = { owner in engine(owner) { $0.hasMore } }
        calls.put = { owner, bytes, size in
            engine(owner) { $0.put(UnsafeRawBufferPointer(start: bytes, count: size)) }
        }
        calls.choose = { owner, name in
            engine(owner) { $0.choose(name.map { String(cString: $0) }) }
        }
        calls.keep = { owner, session in
            if let session { engine(owner) { $0.keep(session) } }
            // A copy was kept.
            return false
        }
        calls.log = { owner, line in
            guard let line else { return }
            engine(owner) { $0.context.configuration.keyLog?(String(cString: line)) }
        }
        return cssl_start(&calls)
    }()

    /// The library calls within a call of the engine that the connection belongs to, so the engine is alive.
    private static func engine<Result>(_ owner: UnsafeMutableRawPointer?, _ body: (OpenSSLEngine) -> Result)
        -> Result
    {
        guard let owner else { preconditionFailure("a TLS connection calls back and has no owner") }
        return Unmanaged<OpenSSLEngine>.fromOpaque(owner)._withUnsafeGuaranteedRef(body)
    }
}
