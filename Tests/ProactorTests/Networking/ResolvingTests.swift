import SystemPackage
import Testing

@testable import Proactor

@Suite struct ResolvingTests {
    private static let web = SocketAddress.ipv4(IPv4Address(rawValue: 0xc000_0207), port: 80)

    @Test(arguments: LoopKind.everywhere)
    func numericAddressesNeedNoThread(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = CountingExecutor()
            try loop.setDefaultExecutor(executor)
            try loop.runUntilComplete {
                let four = try await loop.getaddrinfo(host: "192.0.2.7", port: 80, type: .stream)
                #expect(four == [AddressInfo(address: Self.web, type: .stream, protocolNumber: 6)])
                let six = try await loop.getaddrinfo(host: "2001:db8::1", port: 443, type: .datagram)
                #expect(six.map(\.address.description) == ["[2001:db8::1]:443"])
                #expect(six.map(\.type) == [.datagram])
                let every = try await loop.getaddrinfo(
                    host: nil,
                    port: 81,
                    family: .ipv4,
                    type: .stream,
                    flags: .passive
                )
                #expect(every.map(\.address) == [.ipv4(.any, port: 81)])
                let loopback = try await loop.getaddrinfo(host: nil, port: 82, family: .ipv4, type: .stream)
                #expect(loopback.map(\.address) == [.ipv4(.loopback, port: 82)])
                let numbers = try await loop.getnameinfo(Self.web, flags: [.numericHost, .numericService])
                #expect(numbers == (host: "192.0.2.7", service: "80"))
                #expect(try await loop.resolve(host: "192.0.2.7", port: 80, family: nil) == [Self.web])
            }
            #expect(executor.submitted == 0)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func withoutATypeEveryTypeIsAnswered(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let found = try loop.runUntilComplete { try await loop.getaddrinfo(host: "127.0.0.1", port: 80) }
            #expect(found.contains { $0.type == .stream })
            #expect(found.contains { $0.type == .datagram })
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func namesAreLookedUpOnTheExecutor(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = CountingExecutor()
            try loop.setDefaultExecutor(executor)
            let found = try loop.runUntilComplete {
                try await loop.getaddrinfo(host: "localhost", port: 80, family: .ipv4, type: .stream)
            }
            // The hosts file may name it for ::1 as well, which glibc then answers as 127.0.0.1 a second time.
            #expect(Set(found.map(\.address)) == [.ipv4(.loopback, port: 80)])
            #expect(executor.submitted == 1)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func servicesHaveNames(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let error = await expectError(ResolutionError.self) {
                    try await loop.getaddrinfo(host: "127.0.0.1", service: "no-such-service", type: .stream)
                }
                #expect(error?.code == .serviceUnknown)
                #expect(error?.service == "no-such-service")
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anErrorSaysWhichNameAndWhy(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                // A flag that makes the resolver fail without asking anybody.
                let error = await expectError(ResolutionError.self) {
                    try await loop.getaddrinfo(host: "no.such.host", port: 80, flags: .numericHost)
                }
                #expect(error == ResolutionError(host: "no.such.host", service: "80", code: .nameUnknown))
                #expect(error?.description.contains("no.such.host") == true)
                #expect(error?.message == "Name or service not known")
            }
        }
    }

    @Test(arguments: LoopKind.allCases)
    func anAddressOfAnotherFamilyIsRefused(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let error = await expectError(ResolutionError.self) {
                    try await loop.resolve(host: "127.0.0.1", port: 80, family: .ipv6)
                }
                #expect(error?.code == .noAddressInFamily)
                let other = await expectError(ResolutionError.self) {
                    try await loop.resolve(host: "localhost", port: 80, family: .unix)
                }
                #expect(other?.code == .familyUnsupported)
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aNameWithAZeroInItIsNotCutShort(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let error = await expectError(ResolutionError.self) {
                    try await loop.getaddrinfo(host: "localhost\0.example", port: 80)
                }
                #expect(error?.code == .nameUnknown)
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func aUnixSocketHasNoNameToLookUp(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            try loop.runUntilComplete {
                let error = await expectError(ResolutionError.self) {
                    try await loop.getnameinfo(.unix(path: "/run/app.sock"))
                }
                #expect(error?.code == .familyUnsupported)
                #expect(error?.host == "/run/app.sock")
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func anAddressHasANameOrItsNumbers(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = CountingExecutor()
            try loop.setDefaultExecutor(executor)
            let name = try loop.runUntilComplete {
                try await loop.getnameinfo(.ipv4(.loopback, port: 1), flags: .numericService)
            }
            #expect(!name.host.isEmpty)
            #expect(name.service == "1")
            #expect(executor.submitted == 1)
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func eachAddressIsAnsweredOnceInTheResolversOrder(kind: LoopKind) async throws {
        let first = SocketAddress.ipv4(TestAddress.own(1, 1), port: 0)
        let second = SocketAddress.ipv6(.loopback, port: 0)
        try await kind.withLoop(hosts: ["both": [first, second, first]]) { loop in
            try loop.runUntilComplete {
                let all = try await loop.resolve(host: "both", port: 9, family: nil)
                #expect(all == [first.withPort(9), second.withPort(9)])
                #expect(try await loop.resolve(host: "both", port: 9, family: .ipv6) == [second.withPort(9)])
            }
        }
    }

    @Test(arguments: LoopKind.everywhere)
    func cancellingEndsTheWaitForAName(kind: LoopKind) async throws {
        try await kind.withLoop { loop in
            let executor = HoldingExecutor()
            try loop.setDefaultExecutor(executor)
            let task = loop.createTask { try await loop.getaddrinfo(host: "localhost", port: 80) }
            func cancelWhenItWaits() throws {
                guard executor.count == 1 else {
                    try loop.callSoon(cancelWhenItWaits)
                    return
                }
                task.cancel()
            }
            try loop.callSoon(cancelWhenItWaits)
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(task) }
            executor.runAll()
        }
    }
}
