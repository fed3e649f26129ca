// Servers as child processes, and CPUs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CLoad.h"

int cload_pin(int cpu) {
    return cload_allow(&cpu, 1);
}

int cload_allow(const int32_t *cpus, int count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < count; i++) CPU_SET(cpus[i], &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int cload_may_use_cpu(int cpu) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_ISSET((size_t)cpu, &set);
}

static volatile sig_atomic_t was_interrupted;

static void remember(int number) {
    (void)number;
    was_interrupted = 1;
}

void cload_catch_interrupts(void) {
    struct sigaction action = {.sa_handler = remember, .sa_flags = (int)SA_RESETHAND}, before;
    sigset_t caught;
    sigemptyset(&action.sa_mask);
    sigemptyset(&caught);
    const int numbers[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        // Whoever started this may have chosen that it is not to be disturbed, as nohup does.
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        sigaction(numbers[i], &action, NULL);
        sigaddset(&caught, numbers[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
}

bool cload_was_interrupted(void) {
    return was_interrupted != 0;
}

void cload_set_interrupted(bool value) {
    was_interrupted = value;
}

uint64_t cload_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

// Where a server's standard streams lead.
struct streams {
    int input, output, errors;
};

// Between fork and exec only calls that are safe there. Reports an errno through `report` and never returns.
_Noreturn static void become_server(char *const arguments[], char *const environment[], int cpu, struct streams streams,
                                    int report) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);  // so that what it starts itself can be ended with it
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int problem = cpu >= 0 ? cload_pin(cpu) : 0;
    if (problem == 0) {
        if (dup2(streams.input, STDIN_FILENO) >= 0 && dup2(streams.output, STDOUT_FILENO) >= 0 &&
            dup2(streams.errors, STDERR_FILENO) >= 0) {
            execvpe(arguments[0], arguments, environment);
        }
        problem = errno;
    }
    (void)!write(report, &problem, sizeof problem);
    _exit(127);
}

// Forks and says through an errno whether exec went well.
static int start_server(char *const arguments[], char *const environment[], int cpu, struct streams streams,
                        int32_t *pid) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    const pid_t child = fork();
    int problem = child < 0 ? errno : 0;
    if (child == 0) become_server(arguments, environment, cpu, streams, report[1]);
    close(report[1]);
    // The pipe closes without a word when exec succeeds.
    if (problem == 0 && read(report[0], &problem, sizeof problem) <= 0) problem = 0;
    close(report[0]);
    if (problem != 0 && child > 0) waitpid(child, NULL, 0);
    *pid = child;
    return problem;
}

static void close_all(const int *descriptors, int count) {
    for (int i = 0; i < count; i++) {
        if (descriptors[i] >= 0) close(descriptors[i]);
    }
}

int cload_spawn(char *const arguments[], char *const environment[], int cpu, bool announces, cload_child *child) {
    int pipe_ends[2] = {-1, -1};
    *child = (cload_child){.pid = -1, .output = -1, .log = -1};
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int log = memfd_create("log", MFD_CLOEXEC);
    int problem = input < 0 || log < 0 || (announces && pipe2(pipe_ends, O_CLOEXEC) != 0) ? errno : 0;
    if (problem == 0) {
        struct streams streams = {.input = input, .output = announces ? pipe_ends[1] : log, .errors = log};
        problem = start_server(arguments, environment, cpu, streams, &child->pid);
    }
    close_all((int[]){input, pipe_ends[1]}, 2);
    if (problem != 0) {
        close_all((int[]){log, pipe_ends[0]}, 2);
        return problem;
    }
    child->output = pipe_ends[0];
    child->log = log;
    return 0;
}

static int exit_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool cload_has_ended(int32_t pid, int *status) {
    if (waitpid(pid, status, WNOHANG) != pid) return false;
    *status = exit_status(*status);
    return true;
}

int cload_stop(int32_t pid, int signal_number, int timeout_ms) {
    kill(pid, signal_number);
    const struct timespec step = {.tv_nsec = 1000 * 1000};
    int status = 0;
    bool has_ended = false;
    for (int waited_ms = 0; waited_ms < timeout_ms && !has_ended; waited_ms++) {
        has_ended = cload_has_ended(pid, &status);
        if (!has_ended) nanosleep(&step, NULL);
    }
    kill(-pid, SIGKILL);  // whatever it started and left, and itself when it would not end
    if (has_ended) return status;
    waitpid(pid, &status, 0);
    return -1;
}
