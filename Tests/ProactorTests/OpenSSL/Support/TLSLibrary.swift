import Testing

/// What TLS is spoken by in this build.
enum TLSLibrary {
    case openSSL
    case boringSSL

    static var current: TLSLibrary {
        #if BoringSSL
            .boringSSL
        #else
            .openSSL
        #endif
    }
}

extension Trait where Self == ConditionTrait {
    /// For what the libraries do in different ways.
    static func needs(_ library: TLSLibrary) -> Self {
        .enabled(if: TLSLibrary.current == library, "TLS is spoken by another library in this build")
    }
}
