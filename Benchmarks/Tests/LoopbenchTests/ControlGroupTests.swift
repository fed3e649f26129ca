import Foundation
import Testing

@testable import loopbench

/// Limits of containers are found where the kernel keeps them.
struct ControlGroupTests {
    @Test func theTightestLimitOfVersion2Holds() throws {
        let root = try mounted([
            "a/cpu.max": "150000 100000", "a/cpu.stat": "", "a/b/cpu.max": "max 100000",
            "a/b/c/cpu.max": "400000 100000", "a/memory.max": "1000000", "a/b/memory.max": "max",
        ])
        defer { try? FileManager.default.removeItem(atPath: root) }
        let group = ControlGroup(memberships: "0::/a/b/c\n", root: root)
        #expect(group.cpuQuota == 1.5 && group.memoryBytesMax == 1_000_000)
        #expect(group.throttleFile == "\(root)/a/cpu.stat")
    }

    /// In a container what is mounted begins at its own group, whatever the path says.
    @Test(arguments: ["0::/\n", "0::/docker/7c0ffee\n", "0::/../other\n"])
    func aContainersOwnGroupIsTheRoot(_ memberships: String) throws {
        let root = try mounted(["cpu.max": "50000 100000", "memory.max": "77"])
        defer { try? FileManager.default.removeItem(atPath: root) }
        let group = ControlGroup(memberships: memberships, root: root)
        #expect(group.cpuQuota == 0.5 && group.memoryBytesMax == 77)
    }

    @Test(arguments: ["cpu,cpuacct", "cpu"])
    func version1HasOtherFiles(_ folder: String) throws {
        let root = try mounted([
            "\(folder)/x/cpu.cfs_quota_us": "300000", "\(folder)/x/cpu.cfs_period_us": "100000",
            "\(folder)/cpu.cfs_quota_us": "-1", "\(folder)/cpu.cfs_period_us": "100000",
            "memory/x/memory.limit_in_bytes": "4096", "memory/memory.limit_in_bytes": "9223372036854771712",
        ])
        defer { try? FileManager.default.removeItem(atPath: root) }
        let memberships = "4:memory:/x\n3:cpu,cpuacct:/x\n2:cpuset:/\n1:name=systemd:/x\n0::/\n"
        let group = ControlGroup(memberships: memberships, root: root)
        #expect(group.cpuQuota == 3 && group.memoryBytesMax == 4_096)
        #expect(group.throttleFile == "\(root)/\(folder)/x/cpu.stat")
    }

    @Test(arguments: ["", "0::/\n", "nonsense\n1:cpu\n::::\n"])
    func noLimitIsNone(_ memberships: String) throws {
        let root = try mounted(["cpu.max": "max 100000", "memory.max": "max"])
        defer { try? FileManager.default.removeItem(atPath: root) }
        for place in [root, "/nowhere/at/all"] {
            let group = ControlGroup(memberships: memberships, root: place)
            #expect(group.cpuQuota == nil && group.memoryBytesMax == nil && group.throttleFile == nil)
        }
    }

    /// A folder with these files.
    private func mounted(_ files: [String: String]) throws -> String {
        let root = FileManager.default.temporaryDirectory.appending(
            path: "loopbench-test-\(UUID().uuidString)"
        )
        for (name, text) in files {
            let file = root.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data("\(text)\n".utf8).write(to: file)
        }
        return root.path
    }
}
