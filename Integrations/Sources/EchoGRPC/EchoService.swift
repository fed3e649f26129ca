import GRPCCore
import IntegrationOptions

/// A service without protobuf: messages are bytes, and come back as they were.
public struct EchoService: RegistrableRPCService {
    private static let service = ServiceDescriptor(package: "example", service: "Echo")
    /// One message, and the same back.
    public static let unary = MethodDescriptor(service: service, method: "Unary")
    /// Each message back as it comes.
    public static let stream = MethodDescriptor(service: service, method: "Stream")
    /// The name of the thread that the call is handled on, which is the loop's.
    public static let thread = MethodDescriptor(service: service, method: "Thread")

    public init() {}

    public func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        register(Self.unary, with: &router) { request, writer in
            for try await message in request.messages { try await writer.write(message) }
        }
        register(Self.stream, with: &router) { request, writer in
            for try await message in request.messages { try await writer.write(message) }
        }
        register(Self.thread, with: &router) { request, writer in
            for try await _ in request.messages {}
            try await writer.write(Array(currentThreadName().utf8))
        }
    }

    private func register<Transport: ServerTransport>(
        _ method: MethodDescriptor,
        with router: inout RPCRouter<Transport>,
        _ answer:
            @escaping @Sendable (StreamingServerRequest<[UInt8]>, RPCWriter<[UInt8]>) async throws -> Void
    ) {
        router.registerHandler(
            forMethod: method,
            deserializer: BytesDeserializer(),
            serializer: BytesSerializer()
        ) { request, _ in
            StreamingServerResponse { writer in
                try await answer(request, writer)
                return [:]
            }
        }
    }
}

/// Messages as they are.
public struct BytesSerializer: MessageSerializer {
    public init() {}

    public func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) -> Bytes { Bytes(message) }
}

/// Messages as they are.
public struct BytesDeserializer: MessageDeserializer {
    public init() {}

    public func deserialize<Bytes: GRPCContiguousBytes>(_ serializedMessageBytes: Bytes) -> [UInt8] {
        serializedMessageBytes.withUnsafeBytes { Array($0) }
    }
}
