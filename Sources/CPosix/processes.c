#define _GNU_SOURCE
#include "CPosix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "refusal.h"

static inline int32_t result_or_errno(long result) { return result >= 0 ? (int32_t)result : -errno; }

// ---- Pipes

int32_t cposix_check_watchable(int32_t descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) < 0) return -errno;
    if (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode)) return 0;
    // Only an epoll tells: poll(2) and the ring say of what cannot be waited for that it is ready.
    int epoll = cposix_epoll_create();
    if (epoll < 0) return epoll;
    struct epoll_event event = {0};
    int32_t result = result_or_errno(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
    close(epoll);
    return result;
}

static bool is_stream(int32_t socket) {
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int32_t cposix_descriptor_kind(int32_t descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) < 0) return -errno;
    switch (status.st_mode & S_IFMT) {
    case S_IFIFO: return CPOSIX_KIND_PIPE;
    case S_IFSOCK: return is_stream(descriptor) ? CPOSIX_KIND_SOCKET : CPOSIX_KIND_MESSAGE_SOCKET;
    // Without a descriptor to spare for the question, the first wait will say what is wrong.
    case S_IFCHR: return cposix_check_watchable(descriptor) == -EPERM ? CPOSIX_KIND_DEVICE : CPOSIX_KIND_TERMINAL;
    case S_IFBLK: return CPOSIX_KIND_BLOCK_DEVICE;
    case S_IFREG: return CPOSIX_KIND_FILE;
    case S_IFDIR: return CPOSIX_KIND_DIRECTORY;
    default: return CPOSIX_KIND_OTHER;
    }
}

int32_t cposix_stream_pipe(int32_t ends[2]) {
    int result = pipe2(ends, O_CLOEXEC);
    if (result < 0 && cposix_may_lack_call(errno)) result = cposix_older_pipe(ends, false);
    return result_or_errno(result);
}

int32_t cposix_set_non_blocking(int32_t descriptor, bool non_blocking) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -errno;
    int wanted = non_blocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : result_or_errno(fcntl(descriptor, F_SETFL, wanted));
}

bool cposix_has_quiet_writes(void) {
    // Asked of a pipe that has a reader: nothing else would refuse this write.
    static _Atomic int32_t known = -1;
    int32_t answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer >= 0) return answer == 1;
    int32_t ends[2];
    if (cposix_stream_pipe(ends) < 0) return false;
    char byte = 0;
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    answer = pwritev2(ends[1], &vector, 1, -1, CPOSIX_QUIET_WRITE) == 1;
    close(ends[0]);
    close(ends[1]);
    atomic_store_explicit(&known, answer, memory_order_relaxed);
    return answer == 1;
}

static sigset_t pipe_signal(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

cposix_pipe_signal cposix_hold_pipe_signal(void) {
    sigset_t set = pipe_signal(), before, pending;
    pthread_sigmask(SIG_BLOCK, &set, &before);
    // Unblocked, a pending one would have been delivered.
    if (!sigismember(&before, SIGPIPE)) return (cposix_pipe_signal){.unblocks = true, .takes = true};
    sigpending(&pending);
    return (cposix_pipe_signal){.takes = !sigismember(&pending, SIGPIPE)};
}

void cposix_release_pipe_signal(cposix_pipe_signal held) {
    sigset_t set = pipe_signal();
    const struct timespec no_time = {0};
    if (held.takes) {
        while (sigtimedwait(&set, NULL, &no_time) >= 0 || errno == EINTR) {}
    }
    if (held.unblocks) pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

// ---- Child processes

// waitid(2) by a pidfd or, where there is none or a wait by one is refused, by number: zero or minus errno.
static int32_t wait_for_child(cposix_process process, siginfo_t *information, int options) {
    int result = -1;
    if (process.descriptor >= 0) {
        do {
            result = waitid(P_PIDFD, (id_t)process.descriptor, information, options);
        } while (result < 0 && errno == EINTR);
        if (result == 0 || errno == ECHILD) return result == 0 ? 0 : -ECHILD;
    }
    do {
        result = waitid(P_PID, (id_t)process.pid, information, options);
    } while (result < 0 && errno == EINTR);
    return result_or_errno(result);
}

int32_t cposix_take_exit(cposix_process process, int32_t *status) {
    siginfo_t information = {0};
    const int32_t result = wait_for_child(process, &information, WEXITED | WNOHANG);
    if (result < 0) return result;
    if (information.si_pid == 0) {
        cposix_look_later(process.descriptor);
        return 0;
    }
    *status = information.si_code == CLD_EXITED ? information.si_status : -information.si_status;
    return 1;
}

int32_t cposix_open_process(int32_t pid) {
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    // A number that somebody else uses by now is refused as well, and is no child's then.
    if (descriptor < 0 && cposix_may_lack_call(errno)) descriptor = cposix_make_clock();
    if (descriptor < 0) return -errno;
    // A child that somebody else has reaped leaves its number to any process of the system.
    siginfo_t information = {0};
    const cposix_process process = {.pid = pid, .descriptor = descriptor};
    if (wait_for_child(process, &information, WEXITED | WNOHANG | WNOWAIT) == 0) return descriptor;
    close(descriptor);
    return -ESRCH;
}

int32_t cposix_wait_for_exit(cposix_process process, int32_t timeout_ms) {
    const int64_t deadline = cposix_monotonic_nanoseconds() + (int64_t)timeout_ms * 1000000;
    struct pollfd interest = {.fd = process.descriptor, .events = POLLIN};
    while (true) {
        int64_t left_ms = timeout_ms < 0 ? -1 : (deadline - cposix_monotonic_nanoseconds() + 999999) / 1000000;
        if (timeout_ms >= 0 && left_ms < 0) left_ms = 0;
        const int result = poll(&interest, 1, (int)left_ms);
        if (result < 0 && errno == EINTR) continue;
        if (result <= 0) return result_or_errno(result);
        siginfo_t information = {0};
        if (wait_for_child(process, &information, WEXITED | WNOHANG | WNOWAIT) < 0 || information.si_pid != 0) return 1;
        // It was a clock that told only to look.
        cposix_look_later(process.descriptor);
    }
}

void cposix_reap(int32_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}

int32_t cposix_signal_child(int32_t pid, int32_t signal) {
    // The number of a child that somebody else has reaped may be a stranger's.
    siginfo_t information = {0};
    const cposix_process process = {.pid = pid, .descriptor = -1};
    if (wait_for_child(process, &information, WEXITED | WNOHANG | WNOWAIT) < 0) return -ESRCH;
    return kill(pid, signal) < 0 ? -errno : 0;
}

int32_t cposix_signal_process(cposix_process process, int32_t signal) {
    int32_t descriptor = process.descriptor;
    if (descriptor < 0) {
        descriptor = cposix_open_process(process.pid);
        // Without a descriptor to spare the number has to do.
        if (descriptor == -EMFILE || descriptor == -ENFILE) return cposix_signal_child(process.pid, signal);
        if (descriptor < 0) return descriptor;
    }
    int32_t result = result_or_errno(syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0));
    // EBADF: no pidfd but a clock. EPERM can be true as well, and then kill says so too.
    if (result == -EBADF || cposix_may_lack_call(-result)) result = cposix_signal_child(process.pid, signal);
    if (descriptor != process.descriptor) close(descriptor);
    return result;
}

enum {
    // Of Linux 6.9.
    SIGNAL_PROCESS_GROUP = 1 << 2,
};

int32_t cposix_signal_group(cposix_process leader, bool is_reaped, int32_t signal) {
    // An older kernel says of the flag what every kernel says of such a number.
    if (signal < 1 || signal > SIGRTMAX) return -EINVAL;
    int32_t result = -EBADF;
    if (leader.descriptor >= 0) {
        result = result_or_errno(syscall(SYS_pidfd_send_signal, leader.descriptor, signal, NULL, SIGNAL_PROCESS_GROUP));
    }
    if (result >= 0) return 0;
    // EBADF: no pidfd, or a clock.
    const bool lacks_call = result == -EBADF || result == -EINVAL || cposix_may_lack_call(-result);
    if (!lacks_call) return result;
    if (is_reaped) return result == -EPERM || result == -EACCES ? result : -ESRCH;
    // Until then the number is the leader's, and with it the group's. It is not when the program has reaped the child itself.
    siginfo_t information = {0};
    if (wait_for_child(leader, &information, WEXITED | WNOHANG | WNOWAIT) < 0) return -ESRCH;
    return kill(-leader.pid, signal) < 0 ? -errno : 0;
}

// A C library asks by faccessat2(2), and takes a filter's answer for the truth.
static int32_t check_execution(const char *path, const struct stat *status) {
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0) return 0;
    if (!cposix_may_lack_call(errno)) return -errno;
    // The older call asks for the real user.
    if (geteuid() == getuid() && getegid() == getgid()) return result_or_errno(faccessat(AT_FDCWD, path, X_OK, 0));
    // Whoever may not execute it after all hears so from the attempt.
    return (status->st_mode & 0111) != 0 ? 0 : -EACCES;
}

int32_t cposix_check_executable(const char *path) {
    struct stat status;
    if (stat(path, &status) < 0) return -errno;
    if (!S_ISREG(status.st_mode)) return -EACCES;
    return check_execution(path, &status);
}

int32_t cposix_check_directory(const char *path) {
    struct stat status;
    if (stat(path, &status) < 0) return -errno;
    if (!S_ISDIR(status.st_mode)) return -ENOTDIR;
    return check_execution(path, &status);
}
