#define _GNU_SOURCE
#include "CPosix.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// The handler walks a list of all watches and marks those that want the signal. It must not meet one that goes away:
// watches are never freed but used again, and `visitors` counts the handlers that look at one, so that a watch that was
// told to want nothing more closes its eventfd only when nobody can still write to it.
//
// A fork's child inherits all of it, and shares the eventfds with its parent. There the watches of its parent are passed over,
// told by the process that opened them: a signal that is the child's wakes nobody else. Like any disposition ours stays in
// the child, and does nothing, until somebody there wants the signal, or lets go of the parent's watch.
struct cposix_signal_watch {
    _Atomic uint64_t wanted;
    _Atomic uint64_t pending;
    // Those of the wanted ones the first of which asks the program to end: the next one is left to the kernel, which ends it.
    _Atomic uint64_t ending;
    _Atomic uint32_t visitors;
    int32_t descriptor;
    pid_t process;
    // Under the lock.
    bool in_use;
    // Fixed once the watch is in the list.
    struct cposix_signal_watch *next;
};

enum { SIGNALS_MAX = 64 };

static _Atomic(struct cposix_signal_watch *) first_watch = NULL;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// Under the lock: how many watches want a signal, and what was done about it before.
static uint32_t users[SIGNALS_MAX];
static struct sigaction former[SIGNALS_MAX];
// Signals whose default disposition a handler has put in the place of ours.
static _Atomic uint64_t left_to_kernel;

static uint64_t bit(int32_t signal) { return (uint64_t)1 << (signal - 1); }

// Async-signal-safe, as sigaction(2) is. Done here, and not by a loop that hears of the first one: it may be busy for ever.
static void leave_to_kernel(uint64_t signals) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int32_t signal = 1; signal <= SIGNALS_MAX; signal++) {
        if (!(signals & bit(signal))) continue;
        atomic_fetch_or(&left_to_kernel, bit(signal));
        sigaction(signal, &action, NULL);
    }
}

// Async-signal-safe: atomics, sigaction(2), and write(2).
static void handle(int signal) {
    int saved_errno = errno;
    // Asked each time: a signal may come before a fork's child could take note that it is one.
    const pid_t process = getpid();
    struct cposix_signal_watch *watch = atomic_load(&first_watch);
    for (; watch; watch = watch->next) {
        // Sequentially consistent: either the load sees that the watch wants nothing more, or its closer sees the visitor.
        atomic_fetch_add(&watch->visitors, 1);
        if ((atomic_load(&watch->wanted) & bit(signal)) && watch->process == process) {
            // First: whoever hears of this signal may count on what becomes of the next.
            const uint64_t ending = atomic_load(&watch->ending);
            if (ending & bit(signal)) leave_to_kernel(ending);
            atomic_fetch_or(&watch->pending, bit(signal));
            const uint64_t one = 1;
            // It cannot fill up: a handler would have to run 2^64 times between two turns.
            while (write(watch->descriptor, &one, sizeof one) < 0 && errno == EINTR) {}
        }
        atomic_fetch_sub(&watch->visitors, 1);
    }
    errno = saved_errno;
}

void cposix_end_with_error(const char *line) {
    fflush(stdout);
    fprintf(stderr, "%s\n", line);
    exit(EXIT_FAILURE);
}

int32_t cposix_signals_check(int32_t signal) {
    // What lies between SIGSYS and SIGRTMIN is the C library's.
    if (signal < 1 || signal > SIGNALS_MAX || (signal > SIGSYS && signal < SIGRTMIN) || signal > SIGRTMAX) return -EINVAL;
    switch (signal) {
    case SIGKILL:
    case SIGSTOP: return -EPERM;
    case SIGILL:
    case SIGTRAP:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV: return -ENOTSUP;
    default: return 0;
    }
}

const char *cposix_signal_name(int32_t signal) { return sigabbrev_np(signal); }

int32_t cposix_signals_open(cposix_signal_watch **out, int32_t *descriptor) {
    int event = cposix_eventfd();
    if (event < 0) return event;
    pthread_mutex_lock(&lock);
    struct cposix_signal_watch *watch = atomic_load(&first_watch);
    while (watch && watch->in_use) watch = watch->next;
    bool is_new = !watch;
    if (is_new) watch = calloc(1, sizeof *watch);
    if (watch) {
        watch->in_use = true;
        watch->descriptor = event;
        watch->process = getpid();
        atomic_store(&watch->pending, 0);
        atomic_store(&watch->ending, 0);
    }
    if (watch && is_new) {
        watch->next = atomic_load(&first_watch);
        atomic_store(&first_watch, watch);
    }
    pthread_mutex_unlock(&lock);
    if (!watch) {
        close(event);
        return -ENOMEM;
    }
    *out = watch;
    *descriptor = event;
    return 0;
}

static bool is_inherited(const cposix_signal_watch *watch) { return watch->process != getpid(); }

static int32_t take_over_locked(int32_t signal) {
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART | SA_ONSTACK}, before;
    sigemptyset(&action.sa_mask);
    if (sigaction(signal, &action, &before) < 0) return -errno;
    const bool was_left = atomic_fetch_and(&left_to_kernel, ~bit(signal)) & bit(signal);
    // A fork's child finds its parent's there, and knows as well what was before that.
    if (before.sa_handler != handle && !(was_left && before.sa_handler == SIG_DFL)) former[signal - 1] = before;
    return 0;
}

static void give_back_locked(int32_t signal) {
    struct sigaction current;
    if (sigaction(signal, NULL, &current) < 0) return;
    const bool was_left = atomic_fetch_and(&left_to_kernel, ~bit(signal)) & bit(signal);
    // Who has put a handler of their own over ours since keeps it.
    if (current.sa_handler == handle || (was_left && current.sa_handler == SIG_DFL)) {
        sigaction(signal, &former[signal - 1], NULL);
    }
}

int32_t cposix_signals_add(cposix_signal_watch *watch, int32_t signal) {
    int32_t check = cposix_signals_check(signal);
    if (check < 0) return check;
    int32_t result = 0;
    pthread_mutex_lock(&lock);
    if ((atomic_load(&watch->wanted) & bit(signal)) == 0) {
        // Wanted first: a signal that comes as soon as the handler stands is not missed.
        atomic_fetch_or(&watch->wanted, bit(signal));
        if (users[signal - 1]++ == 0) {
            result = take_over_locked(signal);
            if (result < 0) {
                users[signal - 1] = 0;
                atomic_fetch_and(&watch->wanted, ~bit(signal));
            }
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static void remove_locked(cposix_signal_watch *watch, int32_t signal) {
    if ((atomic_load(&watch->wanted) & bit(signal)) == 0) return;
    // An inherited watch is not counted.
    const uint32_t left = is_inherited(watch) ? users[signal - 1] : --users[signal - 1];
    atomic_fetch_and(&watch->ending, ~bit(signal));
    if (left == 0) give_back_locked(signal);
    atomic_fetch_and(&watch->wanted, ~bit(signal));
    atomic_fetch_and(&watch->pending, ~bit(signal));
}

void cposix_signals_remove(cposix_signal_watch *watch, int32_t signal) {
    pthread_mutex_lock(&lock);
    remove_locked(watch, signal);
    pthread_mutex_unlock(&lock);
}

int32_t cposix_signals_set_ending(cposix_signal_watch *watch, int32_t signal, bool ends) {
    // What cannot be added either.
    if (cposix_signals_check(signal) < 0) return 0;
    int32_t result = 0;
    pthread_mutex_lock(&lock);
    if (ends) {
        atomic_fetch_or(&watch->ending, bit(signal));
    } else {
        atomic_fetch_and(&watch->ending, ~bit(signal));
    }
    // An end that was asked for is over: the next signal is a first one again.
    if (atomic_load(&left_to_kernel) & bit(signal)) result = take_over_locked(signal);
    pthread_mutex_unlock(&lock);
    return result;
}

bool cposix_is_first_thread(void) { return syscall(SYS_gettid) == getpid(); }

bool cposix_signal_is_ignored(int32_t signal) {
    struct sigaction current;
    return sigaction(signal, NULL, &current) == 0 && current.sa_handler == SIG_IGN;
}

void cposix_end_by_signal(int32_t signal) {
    // What the program has printed is not lost. No other stream: some thread may hold it, and wait for input.
    fflush(stdout);
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(signal);
    // It does nothing by default, or nothing to the first process of a container.
    _exit(128 + signal);
}

uint64_t cposix_signals_take(cposix_signal_watch *watch) {
    uint64_t count;
    // Emptied first: a signal that comes in between is taken now, and makes it readable once more for nothing.
    while (read(watch->descriptor, &count, sizeof count) < 0 && errno == EINTR) {}
    return atomic_exchange(&watch->pending, 0);
}

void cposix_signals_close(cposix_signal_watch *watch) {
    pthread_mutex_lock(&lock);
    for (int32_t signal = 1; signal <= SIGNALS_MAX; signal++) remove_locked(watch, signal);
    const bool inherited = is_inherited(watch);
    // A handler on this very thread has run to its end by now. Of an inherited watch, the visitors may be threads that do not
    // exist here; it is passed over, and never used again.
    while (!inherited && atomic_load(&watch->visitors) > 0) sched_yield();
    close(watch->descriptor);
    watch->descriptor = -1;
    watch->in_use = inherited;
    pthread_mutex_unlock(&lock);
}

void cposix_signals_begin_child(void) {
    // Whoever held it is not here. What it guards is numbers, right or one off, and they begin anew.
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    memset(users, 0, sizeof users);
}
