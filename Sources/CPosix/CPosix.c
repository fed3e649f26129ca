#define _GNU_SOURCE
#include "CPosix.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "refusal.h"

__thread uint64_t cposix_thread_number = 0;
__thread void *cposix_running_loop = NULL;
__thread void *cposix_job_capture = NULL;
__thread bool cposix_releasing = false;
__thread void *cposix_kept_release = NULL;

// As the standard library declares them to itself, and calls them from code that is compiled into other modules.
extern void *swift_task_addCancellationHandler(
    void (*handler)(__attribute__((swift_context)) void *) __attribute__((swiftcall)), void *context
) __attribute__((swiftcall));
extern void swift_task_removeCancellationHandler(void *record) __attribute__((swiftcall));

static void (*_Atomic waiting_task_cancelled)(void *object) = NULL;

static __attribute__((swiftcall)) void cancellation_handler(__attribute__((swift_context)) void *object) {
    atomic_load_explicit(&waiting_task_cancelled, memory_order_relaxed)(object);
}

void *cposix_add_cancellation_handler(void (*cancelled)(void *object), void *object) {
    atomic_store_explicit(&waiting_task_cancelled, cancelled, memory_order_relaxed);
    return swift_task_addCancellationHandler(cancellation_handler, object);
}

void cposix_remove_cancellation_handler(void *handler) { swift_task_removeCancellationHandler(handler); }

uint64_t cposix_assign_thread_number(void) {
    static _Atomic uint64_t last = 0;
    cposix_thread_number = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    return cposix_thread_number;
}

int64_t cposix_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int32_t result_or_errno(int result) { return result >= 0 ? result : -errno; }

int32_t cposix_accept(int32_t listener, bool non_blocking, void *address, uint32_t *length) {
    int flags = SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0);
    int result = accept4(listener, address, length, flags);
    if (result < 0 && cposix_may_lack_call(errno)) result = cposix_older_accept(listener, address, length, non_blocking);
    return result_or_errno(result);
}

int32_t cposix_socket(int32_t family, int32_t type, int32_t protocol, bool non_blocking) {
    int flags = SOCK_CLOEXEC | (non_blocking ? SOCK_NONBLOCK : 0);
    return result_or_errno(socket(family, type | flags, protocol));
}

int32_t cposix_close(int32_t descriptor) { return close(descriptor) == 0 || errno == EINTR ? 0 : -errno; }

void cposix_stop_lingering(int32_t descriptor) {
    struct linger linger;
    socklen_t size = sizeof linger;
    if (getsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, &size) < 0) return;
    if (!linger.l_onoff || linger.l_linger == 0) return;
    linger.l_onoff = 0;
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void cposix_reset_connection(int32_t socket) {
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    int type = 0;
    socklen_t size = sizeof type;
    // Not a close after an SO_LINGER of zero seconds: that would leave it to the last who has a copy.
    if (getsockopt(socket, SOL_SOCKET, SO_PROTOCOL, &type, &size) == 0 && type == IPPROTO_TCP) {
        (void)connect(socket, &nobody, sizeof nobody);
    }
}

int32_t cposix_eventfd(void) {
    int result = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (result < 0 && cposix_may_lack_call(errno)) result = cposix_older_eventfd();
    return result_or_errno(result);
}

int32_t cposix_epoll_create(void) {
    int result = epoll_create1(EPOLL_CLOEXEC);
    if (result < 0 && cposix_may_lack_call(errno)) {
        result = epoll_create(1);
        if (result >= 0) fcntl(result, F_SETFD, FD_CLOEXEC);
    }
    return result_or_errno(result);
}

static struct timespec timespec_of(int64_t nanoseconds) {
    return (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}

_Static_assert(CPOSIX_EPOLL_READABLE == EPOLLIN && CPOSIX_EPOLL_WRITABLE == EPOLLOUT, "epoll events");
_Static_assert(CPOSIX_EPOLL_FAILED == EPOLLERR && CPOSIX_EPOLL_HUNG_UP == EPOLLHUP, "epoll events");
_Static_assert(CPOSIX_EPOLL_ADD == EPOLL_CTL_ADD && CPOSIX_EPOLL_MODIFY == EPOLL_CTL_MOD, "epoll actions");
_Static_assert(CPOSIX_EPOLL_DELETE == EPOLL_CTL_DEL, "epoll actions");

int32_t cposix_epoll_control(int32_t epoll, int32_t action, cposix_epoll_event event) {
    struct epoll_event kernel_event = {
        .events = event.events,
        .data.u64 = (uint64_t)event.stamp << 32 | (uint32_t)event.descriptor,
    };
    return result_or_errno(epoll_ctl(epoll, action, event.descriptor, &kernel_event));
}

// Rounded up, so that nothing is early.
static int milliseconds_of(int64_t timeout_ns) {
    if (timeout_ns < 0) return -1;
    if (timeout_ns == 0) return 0;
    const int64_t milliseconds = (timeout_ns - 1) / 1000000 + 1;
    return milliseconds < INT32_MAX ? (int)milliseconds : INT32_MAX;
}

static int32_t epoll_wait_nanoseconds(int32_t epoll, struct epoll_event *events, int32_t capacity, int64_t timeout_ns) {
    static _Atomic bool lacks_pwait2 = false;
    if (timeout_ns > 0 && !atomic_load_explicit(&lacks_pwait2, memory_order_relaxed)) {
        struct timespec timeout = timespec_of(timeout_ns);
        int result = epoll_pwait2(epoll, events, capacity, &timeout, NULL);
        if (result >= 0 || !cposix_may_lack_call(errno)) return result_or_errno(result);
        atomic_store_explicit(&lacks_pwait2, true, memory_order_relaxed);
    }
    return result_or_errno(epoll_wait(epoll, events, capacity, milliseconds_of(timeout_ns)));
}

int32_t cposix_epoll_wait(int32_t epoll, cposix_epoll_event *events, int32_t capacity, int64_t timeout_ns) {
    struct epoll_event kernel_events[CPOSIX_EPOLL_EVENTS_MAX];
    if (capacity > CPOSIX_EPOLL_EVENTS_MAX) capacity = CPOSIX_EPOLL_EVENTS_MAX;
    int32_t count = epoll_wait_nanoseconds(epoll, kernel_events, capacity, timeout_ns);
    for (int32_t index = 0; index < count; index++) {
        events[index] = (cposix_epoll_event){
            .events = kernel_events[index].events,
            .descriptor = (int32_t)(uint32_t)kernel_events[index].data.u64,
            .stamp = (uint32_t)(kernel_events[index].data.u64 >> 32),
        };
    }
    return count;
}

int32_t cposix_ppoll(void *pollfds, uint64_t count, int64_t timeout_ns) {
    struct timespec timeout = timespec_of(timeout_ns < 0 ? 0 : timeout_ns);
    int result = ppoll(pollfds, count, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (result < 0 && cposix_may_lack_call(errno)) result = poll(pollfds, count, milliseconds_of(timeout_ns));
    return result_or_errno(result);
}

int32_t cposix_pselect(int32_t limit, void *readable, void *writable, void *failed, int64_t timeout_ns) {
    struct timespec timeout = timespec_of(timeout_ns < 0 ? 0 : timeout_ns);
    return result_or_errno(pselect(limit, readable, writable, failed, timeout_ns < 0 ? NULL : &timeout, NULL));
}

int32_t cposix_set_thread_name(const char *name) { return -pthread_setname_np(pthread_self(), name); }

// Where the calling thread was allowed to run before it was pinned.
static __thread cpu_set_t before_pinning;
static __thread bool is_pinned;

int32_t cposix_pin_thread(int32_t processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (processor < 0 || processor >= CPU_SETSIZE) return -EINVAL;
    CPU_SET(processor, &set);
    if (!is_pinned && sched_getaffinity(0, sizeof before_pinning, &before_pinning) != 0) return -errno;
    if (sched_setaffinity(0, sizeof set, &set) != 0) return -errno;
    is_pinned = true;
    return 0;
}

// A child is no thread of whoever pinned its parent's, and makes threads of its own.
static void unpin(void) {
    if (is_pinned) sched_setaffinity(0, sizeof before_pinning, &before_pinning);
    is_pinned = false;
}

int32_t cposix_start_thread(void *(*body)(void *), void *argument) {
    pthread_attr_t attributes;
    int problem = pthread_attr_init(&attributes);
    if (problem != 0) return -problem;
    problem = pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (problem == 0 && is_pinned) {
        problem = pthread_attr_setaffinity_np(&attributes, sizeof before_pinning, &before_pinning);
    }
    pthread_t thread;
    if (problem == 0) problem = pthread_create(&thread, &attributes, body, argument);
    pthread_attr_destroy(&attributes);
    return -problem;
}

int32_t cposix_next_allowed_processor(int32_t processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -errno;
    for (int32_t candidate = processor < 0 ? 0 : processor; candidate < CPU_SETSIZE; candidate++) {
        if (CPU_ISSET(candidate, &set)) return candidate;
    }
    return -ENOENT;
}

void cposix_sleep(int64_t nanoseconds) {
    const struct timespec time = timespec_of(nanoseconds > 0 ? nanoseconds : 0);
    nanosleep(&time, NULL);
}

void cposix_yield(void) { sched_yield(); }

// ---- Forks

uint32_t cposix_fork_count = 0;
uint64_t cposix_forking_thread = 0;

enum { KEPT_LOCKS_MAX = 4 };

static pthread_mutex_t kept_locks_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t *kept_locks[KEPT_LOCKS_MAX];
static int kept_lock_count = 0;

bool cposix_keep_lock_across_forks(void *mutex) {
    pthread_mutex_lock(&kept_locks_lock);
    bool has_room = kept_lock_count < KEPT_LOCKS_MAX;
    if (has_room) kept_locks[kept_lock_count++] = mutex;
    pthread_mutex_unlock(&kept_locks_lock);
    return has_room;
}

// Held by the thread that forks, they are held by nobody else, and what they guard is whole in the child.
static void before_fork(void) {
    pthread_mutex_lock(&kept_locks_lock);
    for (int index = 0; index < kept_lock_count; index++) pthread_mutex_lock(kept_locks[index]);
}

static void after_fork(void) {
    for (int index = kept_lock_count - 1; index >= 0; index--) pthread_mutex_unlock(kept_locks[index]);
    pthread_mutex_unlock(&kept_locks_lock);
}

// The child has one thread, a copy of the one that forked. No loop runs on it, whatever ran on that one, and it gets a number
// of its own: so the cheap check of each call on a loop finds that the loop is not this thread's.
static void begin_child(void) {
    after_fork();
    cposix_fork_count++;
    cposix_forking_thread = cposix_thread_number;
    cposix_thread_number = 0;
    cposix_running_loop = NULL;
    cposix_job_capture = NULL;
    cposix_signals_begin_child();
    unpin();
}

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(before_fork, after_fork, begin_child); }

const void *cposix_find(const void *bytes, size_t count, const void *pattern, size_t pattern_count) {
    return memmem(bytes, count, pattern, pattern_count);
}
