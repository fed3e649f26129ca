#if NIO
    import Glibc
    import NIOCore
    import Proactor
    import ProactorNIO
    import Testing

    @Suite struct ChannelOptionTests {
        @Test(arguments: NIOLoopKind.allCases)
        func optionsReachTheSocketBeforeItIsBound(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                // Sockets that share ports may be given one that others share: not on an address of one's own.
                let host = kind == .ring ? "127.0.58.1" : "127.0.58.2"
                let server = try await NIOProactorServerBootstrap(group: group)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .serverChannelOption(.socket(SocketOptionLevel(SOL_SOCKET), SO_REUSEPORT), value: 1)
                    .serverChannelOption(.backlog, value: 16)
                    .childChannelOption(.socketOption(.so_keepalive), value: 1)
                    .bind(host: host, port: 0).get()
                let address = try #require(server.localAddress)
                #expect(
                    try await server.getOption(.socket(SocketOptionLevel(SOL_SOCKET), SO_REUSEPORT)).get()
                        == 1
                )
                #expect(try await server.getOption(.backlog).get() == 16)
                #expect(try await server.getOption(.tcpOption(.tcp_nodelay)).get() != 0)
                // Another shares the port.
                let second = try await NIOProactorServerBootstrap(group: group)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .serverChannelOption(.socket(SocketOptionLevel(SOL_SOCKET), SO_REUSEPORT), value: 1)
                    .bind(to: address).get()
                try await second.close()
                let client = try await NIOProactorClientBootstrap(group: group)
                    .channelOption(.socketOption(.so_rcvbuf), value: 65_536)
                    .connect(to: address).get()
                // The kernel doubles it.
                #expect(try await client.getOption(.socketOption(.so_rcvbuf)).get() == 131_072)
                #expect(try await client.getOption(.tcpOption(.tcp_nodelay)).get() != 0)
                try await client.close()
                try await server.close()
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func optionsSayWhatTheyAre(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let pair = try RawSocketPair()
                let channel = try await pair.makeChannel(on: group) { [] }
                #expect(try await channel.getOption(.autoRead).get())
                #expect(try await channel.getOption(.maxMessagesPerRead).get() == 4)
                #expect(try await channel.getOption(.writeSpin).get() == 16)
                #expect(try await !channel.getOption(.allowRemoteHalfClosure).get())
                #expect(try await channel.getOption(.connectTimeout).get() == nil)
                try await channel.setOption(.writeSpin, value: 3).get()
                try await channel.setOption(.connectTimeout, value: .seconds(1)).get()
                #expect(try await channel.getOption(.writeSpin).get() == 3)
                #expect(try await channel.getOption(.connectTimeout).get() == .seconds(1))
                try await channel.eventLoop.submit {
                    let options = try #require(channel.syncOptions)
                    try options.setOption(.allowRemoteHalfClosure, value: true)
                    #expect(try options.getOption(.allowRemoteHalfClosure))
                }.get()
                // An error of the system's is one of the call's.
                let error = await #expect(throws: IOError.self) {
                    try await channel.setOption(.tcpOption(.tcp_nodelay), value: 1).get()
                }
                #expect(error?.errnoCode == EOPNOTSUPP || error?.errnoCode == ENOPROTOOPT)
                try await channel.close()
                await #expect(throws: ChannelError.ioOnClosedChannel) {
                    try await channel.setOption(.autoRead, value: true).get()
                }
            }
        }

        @Test(arguments: NIOLoopKind.allCases)
        func optionsThatAreNoIntegers(kind: NIOLoopKind) async throws {
            try await kind.withGroup { group in
                let server = try await NIOProactorServerBootstrap(group: group).bind(
                    host: "127.0.0.1",
                    port: 0
                ).get()
                let address = try #require(server.localAddress)
                let client = try await NIOProactorClientBootstrap(group: group).connect(to: address).get()
                let provider = try #require(client as? any SocketOptionProvider)
                try await provider.setSoLinger(linger(l_onoff: 1, l_linger: 5)).get()
                let value = try await provider.getSoLinger().get()
                #expect(value.l_onoff == 1 && value.l_linger == 5)
                let info = try await provider.getTCPInfo().get()
                #expect(info.tcpi_snd_mss > 0)
                try await client.close()
                try await server.close()
            }
        }
    }
#endif
