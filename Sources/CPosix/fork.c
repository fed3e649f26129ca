// Starting child processes by fork(2), for where posix_spawn(3) is refused what it uses.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CPosixProcess.h"
#include "refusal.h"

bool cposix_is_clone3_refused(void) {
#ifdef SYS_clone3
    // The kernel itself says EINVAL, or ENOSYS, which the C library knows how to deal with.
    return syscall(SYS_clone3, NULL, 0) < 0 && (errno == EPERM || errno == EACCES);
#else
    return false;
#endif
}

// What follows until the exec runs in a child of a process that may have had other threads: only calls that are safe in a
// signal handler.

static int place(int32_t source, int target) {
    switch (source) {
    case CPOSIX_SPAWN_INHERITED: return 0;
    case CPOSIX_SPAWN_OUTPUT: return dup2(1, target);
    case CPOSIX_SPAWN_NULL: {
        const int null = open("/dev/null", target == 0 ? O_RDONLY : O_WRONLY);
        if (null < 0 || null == target) return null;
        const int result = dup2(null, target);
        close(null);
        return result;
    }
    default:
        // With equal numbers it is to take close-on-exec off.
        return source == target ? fcntl(target, F_SETFD, 0) : dup2(source, target);
    }
}

// No handler of the parent's may run here once signals are let in; what is ignored stays so, but for the two that a program
// counts on.
static void reset_signals(void) {
    struct sigaction action;
    for (int signal = 1; signal < NSIG; signal++) {
        if (sigaction(signal, NULL, &action) < 0) continue;
        if (action.sa_handler == SIG_DFL) continue;
        if (action.sa_handler == SIG_IGN && signal != SIGPIPE && signal != SIGXFSZ) continue;
        action = (struct sigaction){.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int set_up(const cposix_spawn_request *request, const int32_t sources[3], int *report) {
    if (request->new_session && setsid() < 0) return -1;
    if (request->group >= 0 && setpgid(0, request->group) < 0) return -1;
    for (int target = 0; target < 3; target++) {
        if (place(sources[target], target) < 0) return -1;
    }
    if (request->directory && chdir(request->directory) < 0) return -1;
    if (!request->close_others) return 0;
    // The sources are in place, so that nothing from 3 up is needed any more.
    if (*report != 3) {
        // Not dup3(2), which a filter that refuses clone3(2) may not know either.
        if (dup2(*report, 3) < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) < 0) return -1;
        *report = 3;
    }
    closefrom(4);
    return 0;
}

static _Noreturn void become(const cposix_spawn_request *request, const int32_t sources[3], int report) {
    if (set_up(request, sources, &report) == 0) {
        reset_signals();
        execve(request->path, request->arguments, request->environment ? request->environment : environ);
    }
    const int failure = errno;
    // Nobody is left to hear that this failed.
    (void)!write(report, &failure, sizeof failure);
    _exit(127);
}

static int fork_with_report(const cposix_spawn_request *request, const int32_t sources[3], int32_t *pid, int report) {
    // Among the first three it would be in the way.
    const int high = fcntl(report, F_DUPFD_CLOEXEC, 3);
    if (high < 0) return errno;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t child = fork();
    if (child == 0) become(request, sources, high);
    const int failure = child < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(high);
    *pid = child;
    return failure;
}

int32_t cposix_fork_and_execute(const cposix_spawn_request *request, const int32_t sources[3], int32_t *pid) {
    int32_t report[2];
    const int32_t result = cposix_stream_pipe(report);
    if (result < 0) return -result;
    int failure = fork_with_report(request, sources, pid, report[1]);
    close(report[1]);
    if (failure == 0) {
        // The child's copy is closed when it has become the other program.
        ssize_t count;
        do {
            count = read(report[0], &failure, sizeof failure);
        } while (count < 0 && errno == EINTR);
        if (count != sizeof failure) failure = 0;
        if (failure != 0) cposix_reap(*pid);
    }
    close(report[0]);
    return failure;
}
