// Starting child processes by posix_spawn(3): the child runs in this process's memory, while the calling thread waits, until
// it has become another program.
#define _GNU_SOURCE
#include "CPosixProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include "refusal.h"

// File actions run in the order in which they are added: a source among 0 to 2 that is not in its place could be
// overwritten before it is copied, so it is copied out of the way beforehand. `copies` are closed afterwards.
//
// Streams are blocking to a child, which does not expect anything else of them.
static int32_t move_out_of_the_way(int32_t sources[3], int32_t copies[3]) {
    for (int32_t target = 0; target < 3; target++) {
        const int32_t source = sources[target] == CPOSIX_SPAWN_INHERITED ? target : sources[target];
        copies[target] = source >= 0 ? cposix_lend_blocking(source) : -1;
        if (copies[target] >= 0) sources[target] = copies[target];
        if (sources[target] < 0 || sources[target] > 2 || sources[target] == target) continue;
        copies[target] = fcntl(sources[target], F_DUPFD_CLOEXEC, 3);
        if (copies[target] < 0) return -errno;
        sources[target] = copies[target];
    }
    return 0;
}

static int add_sources(posix_spawn_file_actions_t *actions, const int32_t sources[3]) {
    for (int32_t target = 0; target < 3; target++) {
        int failure = 0;
        switch (sources[target]) {
        case CPOSIX_SPAWN_INHERITED: break;
        case CPOSIX_SPAWN_NULL:
            failure = posix_spawn_file_actions_addopen(actions, target, "/dev/null", target == 0 ? O_RDONLY : O_WRONLY, 0);
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

static int32_t start(const cposix_spawn_request *request, const int32_t sources[3], cposix_process *process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failure = set_up(&actions, &attributes, request, sources);
    if (failure == 0) {
        char *const *environment = request->environment ? request->environment : environ;
        failure = posix_spawn(&process->pid, request->path, &actions, &attributes, request->arguments, environment);
        if (failure != 0 && cposix_may_lack_call(failure) && cposix_is_clone3_refused()) {
            failure = cposix_fork_and_execute(request, sources, &process->pid);
        }
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (failure != 0 || !request->opens_descriptor) return -failure;
    // A program that ignores SIGCHLD, or waits for any child, can have reaped it: then its number may be a stranger's by now.
    const int32_t descriptor = cposix_open_process(process->pid);
    process->descriptor = descriptor >= 0 ? descriptor : -1;
    if (descriptor >= 0 || descriptor == -ESRCH) return 0;
    // A child that nobody could wait for is of no use.
    if (cposix_signal_child(process->pid, SIGKILL) == 0) cposix_reap(process->pid);
    return descriptor;
}

int32_t cposix_spawn(const cposix_spawn_request *request, cposix_process *process) {
    int32_t sources[3] = {request->sources[0], request->sources[1], request->sources[2]};
    int32_t copies[3] = {-1, -1, -1};
    process->descriptor = -1;
    int32_t result = move_out_of_the_way(sources, copies);
    if (result == 0) result = start(request, sources, process);
    for (int32_t target = 0; target < 3; target++) {
        if (copies[target] >= 0) close(copies[target]);
    }
    return result;
}
