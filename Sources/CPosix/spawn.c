// Starting child processes: by clone3(2) where the kernel has what is needed, else by posix_spawn(3).
//
// Both let the child run in this process's memory, while the calling thread waits, until it has become another program.
// clone3 is worth a fifth of the calling thread's time: it makes the pidfd in the same call, resets the signal handlers by a
// flag instead of some 130 calls, and leaves the stack to be taken from the caller's.
#define _GNU_SOURCE
#include "CPosixProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// File actions run in the order in which they are added: a source among 0 to 2 that is not in its place could be
// overwritten before it is copied, so it is copied out of the way beforehand. `copies` are closed afterwards.
static int32_t move_out_of_the_way(int32_t sources[3], int32_t copies[3]) {
    for (int32_t target = 0; target < 3; target++) {
        copies[target] = -1;
        if (sources[target] < 0 || sources[target] > 2 || sources[target] == target) continue;
        copies[target] = fcntl(sources[target], F_DUPFD_CLOEXEC, 3);
        if (copies[target] < 0) return -errno;
        sources[target] = copies[target];
    }
    return 0;
}

static int null_flags(int32_t target) { return target == 0 ? O_RDONLY : O_WRONLY; }

// ---- clone3

#if defined(__x86_64__) || defined(__aarch64__)

// The child shares the calling thread's memory, its thread-local variables included, and so does nothing but system calls,
// made here and not by the C library. The sanitizers' books know nothing of it.
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define IN_CHILD __attribute__((disable_sanitizer_instrumentation, no_stack_protector, noinline))
#endif
#endif
#ifndef IN_CHILD
#define IN_CHILD __attribute__((noinline))
#endif

#define CLONE_IN_SAME_MEMORY 0x100u
#define CLONE_MAKES_PIDFD 0x1000u
#define CLONE_WAITS_FOR_PROGRAM 0x4000u
#define CLONE_CLEARS_HANDLERS 0x100000000u

// The kernel's struct clone_args in its first version.
struct clone_arguments {
    uint64_t flags;
    uint64_t pidfd;
    uint64_t child_tid;
    uint64_t parent_tid;
    uint64_t exit_signal;
    uint64_t stack;
    uint64_t stack_size;
    uint64_t tls;
};
_Static_assert(sizeof(struct clone_arguments) == 64, "layout of clone3's arguments");

struct child_start {
    const cposix_spawn_request *request;
    const int32_t *sources;
    // What the child leaves behind when it could not become the program.
    volatile int32_t failure;
    // The kernel, or a filter, lacks a call that posix_spawn can do without.
    volatile bool lacks_call;
};

static inline __attribute__((always_inline)) long kernel(long number, long a, long b, long c, long d) {
#if defined(__x86_64__)
    long result;
    register long fourth __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long name __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(first) : "r"(name), "r"(second), "r"(third), "r"(fourth) : "memory", "cc");
    return first;
#endif
}

IN_CHILD static long place_source(int32_t source, int32_t target) {
    if (source == CPOSIX_SPAWN_INHERITED) return 0;
    if (source == CPOSIX_SPAWN_OUTPUT) source = 1;
    bool is_opened = source == CPOSIX_SPAWN_NULL;
    if (is_opened) {
        long opened = kernel(SYS_openat, AT_FDCWD, (long)"/dev/null", null_flags(target), 0);
        if (opened < 0) return opened;
        source = (int32_t)opened;
    }
    // In its place already: close-on-exec is the only flag that there is.
    if (source == target) return kernel(SYS_fcntl, target, F_SETFD, 0, 0);
    long result = kernel(SYS_dup3, source, target, 0, 0);
    if (is_opened) kernel(SYS_close, source, 0, 0, 0);
    return result;
}

// Returns only when it fails. The order is posix_spawn's.
IN_CHILD static long become_program(struct child_start *start) {
    // SIG_DFL, no flags, an empty mask: all of a kernel's struct sigaction is zero. Longer than any.
    static const uint64_t zeros[8];
    const cposix_spawn_request *request = start->request;
    const long set_size = 8;
    long result = kernel(SYS_rt_sigaction, SIGPIPE, (long)zeros, 0, set_size);
    if (result >= 0) result = kernel(SYS_rt_sigaction, SIGXFSZ, (long)zeros, 0, set_size);
    if (result >= 0 && request->new_session) result = kernel(SYS_setsid, 0, 0, 0, 0);
    if (result >= 0 && request->group >= 0) result = kernel(SYS_setpgid, 0, request->group, 0, 0);
    for (int32_t target = 0; target < 3 && result >= 0; target++) {
        result = place_source(start->sources[target], target);
    }
    if (result >= 0 && request->directory) result = kernel(SYS_chdir, (long)request->directory, 0, 0, 0);
    if (result < 0) return result;
    if (request->close_others) {
        result = kernel(SYS_close_range, 3, ~0u, 0, 0);
        start->lacks_call = result < 0;
        if (result < 0) return result;
    }
    result = kernel(SYS_rt_sigprocmask, SIG_SETMASK, (long)zeros, 0, set_size);
    if (result < 0) return result;
    const char *const *environment = (const char *const *)(request->environment ? request->environment : environ);
    return kernel(SYS_execve, (long)request->path, (long)request->arguments, (long)environment, 0);
}

IN_CHILD static _Noreturn void run_child(struct child_start *start) {
    start->failure = (int32_t)-become_program(start);
    while (true) kernel(SYS_exit_group, 127, 0, 0, 0);
}

// The child begins in `run`, on a stack of its own, and so leaves the caller's as it is.
static inline __attribute__((always_inline)) long clone_into(void (*run)(struct child_start *), struct child_start *start,
                                                             const struct clone_arguments *arguments) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "mov %[start], %%rdi\n\t"
                     "call *%[run]\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "0"((long)SYS_clone3), "D"(arguments), "S"(sizeof *arguments), [run] "r"(run), [start] "r"(start)
                     : "rcx", "r11", "memory", "cc");
    return result;
#else
    register long name __asm__("x8") = SYS_clone3;
    register long first __asm__("x0") = (long)arguments;
    register long second __asm__("x1") = sizeof *arguments;
    __asm__ volatile("svc #0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x0, %[start]\n\t"
                     "blr %[run]\n\t"
                     "brk #0\n"
                     "1:"
                     : "+r"(first)
                     : "r"(name), "r"(second), [run] "r"(run), [start] "r"(start)
                     : "memory", "cc");
    return first;
#endif
}

// 1 when the kernel cannot do it so, and nothing was started.
//
// No signal needs to be blocked meanwhile: the child has no handlers from its first moment on, and the calling thread runs
// its own when it goes on.
IN_CHILD static int32_t start_by_clone(const cposix_spawn_request *request, const int32_t sources[3],
                                       cposix_process *process) {
    static _Atomic bool is_refused = false;
    if (request->avoids_clone || atomic_load_explicit(&is_refused, memory_order_relaxed)) return 1;
    _Alignas(16) char stack[8192];
    struct child_start start = {.request = request, .sources = sources};
    struct clone_arguments arguments = {
        .flags = CLONE_IN_SAME_MEMORY | CLONE_WAITS_FOR_PROGRAM | CLONE_CLEARS_HANDLERS |
                 (request->opens_descriptor ? CLONE_MAKES_PIDFD : 0),
        .pidfd = (uint64_t)(uintptr_t)&process->descriptor,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof stack,
    };
    long result = clone_into(run_child, &start, &arguments);
    // Unknown to the kernel, or to a filter: for good.
    if (result == -ENOSYS || result == -EINVAL || result == -EPERM) {
        atomic_store_explicit(&is_refused, true, memory_order_relaxed);
        return 1;
    }
    if (result < 0) return (int32_t)result;
    if (start.failure == 0) {
        process->pid = (int32_t)result;
        return 0;
    }
    cposix_reap((int32_t)result);
    if (process->descriptor >= 0) close(process->descriptor);
    process->descriptor = -1;
    if (!start.lacks_call) return -start.failure;
    atomic_store_explicit(&is_refused, true, memory_order_relaxed);
    return 1;
}

#else

static int32_t start_by_clone(const cposix_spawn_request *request, const int32_t sources[3], cposix_process *process) {
    (void)request;
    (void)sources;
    (void)process;
    return 1;
}

#endif

// ---- posix_spawn

static int add_sources(posix_spawn_file_actions_t *actions, const int32_t sources[3]) {
    for (int32_t target = 0; target < 3; target++) {
        int failure = 0;
        switch (sources[target]) {
        case CPOSIX_SPAWN_INHERITED: break;
        case CPOSIX_SPAWN_NULL:
            failure = posix_spawn_file_actions_addopen(actions, target, "/dev/null", null_flags(target), 0);
            break;
        case CPOSIX_SPAWN_OUTPUT: failure = posix_spawn_file_actions_adddup2(actions, 1, target); break;
        // With equal numbers it takes close-on-exec off.
        default: failure = posix_spawn_file_actions_adddup2(actions, sources[target], target); break;
        }
        if (failure != 0) return failure;
    }
    return 0;
}

static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                  const cposix_spawn_request *request, const int32_t sources[3]) {
    int failure = add_sources(actions, sources);
    if (failure == 0 && request->directory) failure = posix_spawn_file_actions_addchdir_np(actions, request->directory);
    if (failure == 0 && request->close_others) failure = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    if (failure != 0) return failure;
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    // Servers ignore these, and a program that is piped into another counts on dying of them.
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    if (request->new_session) flags |= POSIX_SPAWN_SETSID;
    if (request->group >= 0) {
        flags |= POSIX_SPAWN_SETPGROUP;
        posix_spawnattr_setpgroup(attributes, request->group);
    }
    return posix_spawnattr_setflags(attributes, flags);
}

static int32_t start_by_posix_spawn(const cposix_spawn_request *request, const int32_t sources[3],
                                    cposix_process *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failure = set_up(&actions, &attributes, request, sources);
    if (failure == 0) {
        char *const *environment = request->environment ? request->environment : environ;
        failure = posix_spawn(&process->pid, request->path, &actions, &attributes, request->arguments, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0 || !request->opens_descriptor) return -failure;
    // Not reaped yet, so the number is still the child's.
    process->descriptor = (int32_t)syscall(SYS_pidfd_open, process->pid, 0);
    if (process->descriptor >= 0 || errno == ESRCH) return 0;
    failure = errno;
    // A child that nobody could wait for is of no use.
    kill(process->pid, SIGKILL);
    cposix_reap(process->pid);
    return -failure;
}

int32_t cposix_spawn(const cposix_spawn_request *request, cposix_process *process) {
    int32_t sources[3] = {request->sources[0], request->sources[1], request->sources[2]};
    int32_t copies[3] = {-1, -1, -1};
    process->descriptor = -1;
    int32_t result = move_out_of_the_way(sources, copies);
    if (result == 0) result = start_by_clone(request, sources, process);
    if (result > 0) result = start_by_posix_spawn(request, sources, process);
    for (int32_t target = 0; target < 3; target++) {
        if (copies[target] >= 0) close(copies[target]);
    }
    return result;
}
