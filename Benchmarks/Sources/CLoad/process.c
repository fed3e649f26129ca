// Servers as child processes, and CPUs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CLoad.h"

int cload_pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int cload_cpu_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int cload_may_use_cpu(int cpu) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_ISSET((size_t)cpu, &set);
}

uint64_t cload_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

// Between fork and exec only calls that are safe there. Reports an errno through `report` and never returns.
_Noreturn static void become_server(char *const arguments[], char *const environment[], int cpu, int output, int report) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int problem = cpu >= 0 ? cload_pin(cpu) : 0;
    if (problem == 0) {
        if (dup2(output, STDOUT_FILENO) >= 0) execvpe(arguments[0], arguments, environment);
        problem = errno;
    }
    (void)!write(report, &problem, sizeof problem);
    _exit(127);
}

int cload_spawn(char *const arguments[], char *const environment[], int cpu, int32_t *pid, int *output) {
    int pipe_ends[2], report_ends[2];
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) return errno;
    if (pipe2(report_ends, O_CLOEXEC) != 0) {
        const int problem = errno;
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        return problem;
    }
    const pid_t child = fork();
    int problem = child < 0 ? errno : 0;
    if (child == 0) become_server(arguments, environment, cpu, pipe_ends[1], report_ends[1]);
    close(pipe_ends[1]);
    close(report_ends[1]);
    // The pipe closes without a word when exec succeeds.
    if (problem == 0 && read(report_ends[0], &problem, sizeof problem) <= 0) problem = 0;
    close(report_ends[0]);
    if (problem != 0) {
        close(pipe_ends[0]);
        if (child > 0) waitpid(child, NULL, 0);
        return problem;
    }
    *pid = child;
    *output = pipe_ends[0];
    return 0;
}

int cload_stop(int32_t pid, int signal_number, int timeout_ms) {
    kill(pid, signal_number);
    const struct timespec step = {.tv_nsec = 1000 * 1000};
    int status = 0;
    for (int waited_ms = 0; waited_ms < timeout_ms; waited_ms++) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        nanosleep(&step, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}
