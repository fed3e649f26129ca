import Testing

@testable import Proactor

/// Expects an error of one type, and returns it. Unlike `#expect(throws:)` it takes bodies that stay on their
/// loop.
nonisolated(nonsending) func expectError<Expected: Error, Result>(
    _ type: Expected.Type,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: nonisolated(nonsending) () async throws -> Result
) async -> Expected? {
    do {
        _ = try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as Expected {
        return error
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
    return nil
}

/// Expects an invalid argument, and a text that says what to do.
nonisolated(nonsending) func expectInvalid<Result>(
    _ text: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: nonisolated(nonsending) () async throws -> Result
) async {
    let error = await expectError(EventLoopError.self, sourceLocation: sourceLocation, body)
    guard case .invalidArgument(let reason) = error else {
        Issue.record(
            "\(String(describing: error)) is not an invalid argument",
            sourceLocation: sourceLocation
        )
        return
    }
    #expect(reason.contains(text), sourceLocation: sourceLocation)
}
