import CTestLimits
import Glibc
import TestSupport
import Testing

/// The tests' own safety net: without it one process that hangs holds up the whole test run.
@Suite struct TestLimitTests {
    @Test(.exitTest) func everyExitTestHasALimit() async {
        #expect(ctestlimits_seconds_left() == -1, "and only an exit test")
        await #expect(processExitsWith: .success) {
            #expect(ctestlimits_seconds_left() >= 0)
            ctestlimits_end_process_after(1_000_000)
            #expect(ctestlimits_seconds_left() > Int(CTESTLIMITS_EXIT_TEST_SECONDS))
            // Each step gets the time anew.
            _ = try await onThread {}
            #expect(ctestlimits_seconds_left() <= Int(CTESTLIMITS_EXIT_TEST_SECONDS))
        }
    }

    @Test(.exitTest) func aProcessThatHangsIsEndedWhateverItBlocks() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_BLOCK, &all, nil)
            ctestlimits_end_process_after(1)
            while true { sched_yield() }
        }
    }

    @Test(.exitTest) func aForkThatHangsIsEndedToo() async {
        await #expect(processExitsWith: .success) {
            let status = statusOfFork {
                guard ctestlimits_seconds_left() >= 0 else { return 1 }
                ctestlimits_end_process_after(1)
                while true { sched_yield() }
            }
            #expect(status == SIGKILL)
            #expect(ctestlimits_seconds_left() >= 0, "its parent's limit stays")
        }
    }
}
