import Glibc
import Proactor
import SystemPackage

/// The kernel of one simulated host: its addresses, its disk, its processes, and which socket is bound where.
final class HostKernel {
    let world: SimulatedWorld
    let name: String
    let index: Int
    let ipv4: IPv4Address
    let ipv6: IPv6Address
    private(set) var files = FileSystem()
    var isUp = true
    private(set) var processes: [SimulatedProcess] = []
    private var nextPID: Int32 = 100
    private var nextPort: UInt16 = 32_768
    private var streams: [StreamSocket] = []
    private var datagrams: [DatagramSocket] = []
    private var abstractNames: [[UInt8]: OpenFile] = [:]

    init(world: SimulatedWorld, name: String, index: Int) {
        self.world = world
        self.name = name
        self.index = index
        ipv4 = IPv4Address(rawValue: 0x0a00_0001 + UInt32(index))
        ipv6 = IPv6Address(high: 0xfd00_0000_0000_0000, low: UInt64(index) + 1)
    }

    func makeProcess(parent: SimulatedProcess? = nil) -> SimulatedProcess {
        let process = SimulatedProcess(host: self, pid: nextPID)
        nextPID += 1
        process.parent = parent
        if let parent { process.groupID = parent.groupID }
        processes.append(process)
        return process
    }

    func process(_ pid: Int32) -> SimulatedProcess? { processes.first { $0.pid == pid } }

    func forget(_ process: SimulatedProcess) {
        processes.removeAll { $0 === process }
    }

    /// Ends all processes, without a word when the host crashes.
    func endProcesses(isCrash: Bool) {
        for process in processes.reversed() {
            process.end(isCrash ? -SIGKILL : 0, isCrash: isCrash)
            process.children = []
        }
        processes = []
        if isCrash {
            streams = []
            datagrams = []
            abstractNames = [:]
            files.crash(world.choices)
        }
    }

    /// The simulation is over.
    func end() {
        endProcesses(isCrash: true)
        // Tasks of a crashed host, which will never go on, keep this.
        files = FileSystem()
    }

    // MARK: - Bound sockets

    func bind(_ socket: StreamSocket, to address: SocketAddress) throws(Errno) {
        guard socket.local == nil else { throw .invalidArgument }
        guard address.family == socket.family else { throw .invalidArgument }
        guard socket.family != .unix else {
            socket.local = try bindUnix(socket, address)
            return
        }
        try checkIsOwn(address)
        let address = address.port == 0 ? address.withPort(takePort()) : address
        for other in streams where Self.overlap(other.local, address) {
            let bothShare = other.options.isSet(.reusePort) && socket.options.isSet(.reusePort)
            let bothReuse = other.options.isSet(.reuseAddress) && socket.options.isSet(.reuseAddress)
            guard bothShare || bothReuse && other.state != .listening else { throw .addressInUse }
        }
        socket.local = address
        streams.append(socket)
    }

    func bind(_ socket: DatagramSocket, to address: SocketAddress) throws(Errno) {
        guard socket.local == nil else { throw .invalidArgument }
        guard address.family == socket.family else { throw .invalidArgument }
        guard socket.family != .unix else {
            socket.local = try bindUnix(socket, address)
            return
        }
        try checkIsOwn(address)
        let address = address.port == 0 ? address.withPort(takePort()) : address
        for other in datagrams where Self.overlap(other.local, address) {
            let bothShare = other.options.isSet(.reusePort) && socket.options.isSet(.reusePort)
            let bothReuse = other.options.isSet(.reuseAddress) && socket.options.isSet(.reuseAddress)
            guard bothShare || bothReuse else { throw .addressInUse }
        }
        socket.local = address
        datagrams.append(socket)
    }

    /// Gives a socket that sends its first datagram a port.
    func bindSomewhere(_ socket: DatagramSocket) {
        let port = takePort()
        socket.local = socket.family == .ipv4 ? .ipv4(.any, port: port) : .ipv6(.any, port: port)
        datagrams.append(socket)
    }

    func takePort() -> UInt16 {
        defer { nextPort = nextPort == 60_999 ? 32_768 : nextPort + 1 }
        return nextPort
    }

    private func checkIsOwn(_ address: SocketAddress) throws(Errno) {
        switch address {
        case .ipv4(let address, _):
            guard address == .any || address.rawValue >> 24 == 127 || address == ipv4 else {
                throw .addressNotAvailable
            }
        case .ipv6(let address, _, _, _):
            guard address == .any || address == .loopback || address == ipv6 else {
                throw .addressNotAvailable
            }
        default: throw .invalidArgument
        }
    }

    private static func overlap(_ bound: SocketAddress?, _ address: SocketAddress) -> Bool {
        guard let bound, bound.port == address.port, bound.family == address.family else { return false }
        return isWildcard(bound) || isWildcard(address) || bound.host == address.host
    }

    private static func isWildcard(_ address: SocketAddress) -> Bool {
        switch address {
        case .ipv4(let address, _): address == .any
        case .ipv6(let address, _, _, _): address == .any
        default: false
        }
    }

    private static func accepts(_ bound: SocketAddress?, _ address: SocketAddress) -> Bool {
        guard let bound, bound.port == address.port, bound.family == address.family else { return false }
        return isWildcard(bound) || bound.host == address.host
    }

    func unbind(_ socket: OpenFile) {
        if let socket = socket as? StreamSocket {
            if socket.family == .unix { return unbindUnix(socket, socket.local) }
            if socket.local != nil { streams.removeAll { $0 === socket } }
        } else if let socket = socket as? DatagramSocket {
            if socket.family == .unix { return unbindUnix(socket, socket.local) }
            datagrams.removeAll { $0 === socket }
        }
    }

    /// Who listens at an address. Of several that share it, it is any.
    func listener(at address: SocketAddress) -> StreamSocket? {
        let found = streams.filter { $0.state == .listening && Self.accepts($0.local, address) }
        return found.count > 1 ? found[world.choices.below(found.count)] : found.first
    }

    func datagramSocket(at address: SocketAddress) -> DatagramSocket? {
        datagrams.first { Self.accepts($0.local, address) }
    }

    // MARK: - Unix sockets

    private func bindUnix(_ socket: OpenFile, _ address: SocketAddress) throws(Errno) -> SocketAddress {
        switch address {
        case .unixAbstract(let name):
            guard abstractNames[name] == nil else { throw .addressInUse }
            abstractNames[name] = socket
        case .unixUnnamed:
            let name = Array("\(takePort())".utf8)
            abstractNames[name] = socket
            return .unixAbstract(name: name)
        default:
            try files.makeSocket(at: address.pathBytes ?? [], for: socket)
        }
        return address
    }

    private func unbindUnix(_ socket: OpenFile, _ address: SocketAddress?) {
        switch address {
        case .unixAbstract(let name)?: if abstractNames[name] === socket { abstractNames[name] = nil }
        case nil: return
        default: files.forgetSocket(at: address?.pathBytes ?? [], socket)
        }
    }

    /// What is bound at the address of a Unix socket.
    func unixSocket(at address: SocketAddress) -> Result<OpenFile, FailedCallNumber> {
        if case .unixAbstract(let name) = address {
            return abstractNames[name].map { .success($0) } ?? .failure(FailedCallNumber(ECONNREFUSED))
        }
        guard let path = address.pathBytes else { return .failure(FailedCallNumber(EINVAL)) }
        guard let node = files.node(at: path) else { return .failure(FailedCallNumber(ENOENT)) }
        guard let socket = node.socket else { return .failure(FailedCallNumber(ECONNREFUSED)) }
        return .success(socket)
    }
}
