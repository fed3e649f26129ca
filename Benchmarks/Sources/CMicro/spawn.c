#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmicro.h"

bool cmicro_spawn_and_wait(const char *path, uint32_t count) {
    char *const arguments[] = {(char *)path, NULL};
    for (uint32_t i = 0; i < count; i++) {
        pid_t child;
        if (posix_spawn(&child, path, NULL, NULL, arguments, environ) != 0) return false;
        siginfo_t information = {0};
        int result;
        do {
            result = waitid(P_PID, (id_t)child, &information, WEXITED);
        } while (result < 0 && errno == EINTR);
        if (result < 0 || information.si_code != CLD_EXITED || information.si_status != 0) return false;
    }
    return true;
}

uint64_t cmicro_children_cpu_ns(void) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}
