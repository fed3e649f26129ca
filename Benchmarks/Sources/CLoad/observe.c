#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

static uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Everything that ran on any CPU, and what the hypervisor took.
static void read_machine(uint64_t *busy_ns, uint64_t *steal_ns) {
    *busy_ns = *steal_ns = 0;
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) return;
    unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
    int found = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait,
                       &irq, &softirq, &steal);
    fclose(file);
    if (found != 8) return;
    const uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    *busy_ns = (user + nice + system + irq + softirq) * tick_ns;
    *steal_ns = steal * tick_ns;
}

struct snapshot take_snapshot(const struct engine *engine) {
    struct snapshot snapshot = {0};
    read_machine(&snapshot.busy_ns, &snapshot.steal_ns);
    if (engine->config->server_pid > 0) snapshot.server_cpu_ns = clock_ns(engine->server_clock);
    snapshot.load_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    snapshot.time_ns = now_ns();
    return snapshot;
}

void read_memory(int32_t pid, uint64_t *rss_bytes, uint64_t *anonymous_bytes) {
    *rss_bytes = *anonymous_bytes = 0;
    if (pid <= 0) return;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long long kib;
        if (sscanf(line, "Rss: %llu kB", &kib) == 1) *rss_bytes = kib * 1024;
        if (sscanf(line, "Anonymous: %llu kB", &kib) == 1) *anonymous_bytes = kib * 1024;
    }
    fclose(file);
}
