#define _GNU_SOURCE
#include "CTestLimits.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static timer_t timer;
// The process that the timer is of: a fork's child has none.
static pid_t owner;

static const unsigned exit_test_limit = 1000 * CTESTLIMITS_EXIT_TEST_SECONDS;
static bool is_exit_test;

void ctestlimits_end_process_after(unsigned milliseconds) {
    struct itimerspec when = {.it_value = {milliseconds / 1000, milliseconds % 1000 * 1000000L}};
    if (owner != getpid()) {
        struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
        if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return;
        owner = getpid();
    }
    timer_settime(timer, 0, &when, NULL);
}

long ctestlimits_seconds_left(void) {
    struct itimerspec left;
    if (owner != getpid() || timer_gettime(timer, &left) != 0) return -1;
    return left.it_value.tv_sec;
}

void ctestlimits_renew(void) {
    if (is_exit_test && owner == getpid()) ctestlimits_end_process_after(exit_test_limit);
}

// Swift Testing starts this program anew for each exit test, and names the test in this variable. It waits for the end
// without a limit, so each such process gets one before anything of the test runs.
__attribute__((constructor)) static void limit_exit_test(void) {
    is_exit_test = getenv("SWT_EXIT_TEST_ID") != NULL;
    if (is_exit_test) ctestlimits_end_process_after(exit_test_limit);
}

// Swift Testing begins all tests at once. Each step of one in the runtime's pool then waits behind all the others: under a
// sanitizer for minutes, which are a test's time too. It may stop to look at this variable: it is only for the better.
__attribute__((constructor)) static void limit_tests_at_a_time(void) {
    setenv("SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH", "32", 0);
}

// Tests that open hundreds of files run beside others. Many systems allow 1,024 unless asked for more.
__attribute__((constructor)) static void allow_many_files(void) {
    const rlim_t wanted = 20000;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int ctestlimits_thread(void) { return gettid(); }

bool ctestlimits_join(pthread_t thread, unsigned seconds) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += seconds;
    return pthread_timedjoin_np(thread, NULL, &limit) == 0;
}
