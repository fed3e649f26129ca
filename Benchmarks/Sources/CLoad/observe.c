#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

static uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// What one CPU, or with a negative number all of them, has done since the machine started.
static void read_cpu(int cpu, uint64_t *task_ns, uint64_t *interrupt_ns, uint64_t *steal_ns) {
    FILE *file = fopen("/proc/stat", "re");
    if (file == NULL) return;
    char wanted[16] = "cpu", line[512];
    if (cpu >= 0) snprintf(wanted, sizeof wanted, "cpu%d", cpu);
    const uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    while (fgets(line, sizeof line, file) != NULL) {
        char name[16];
        unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
        int found = sscanf(line, "%15s %llu %llu %llu %llu %llu %llu %llu %llu", name, &user, &nice, &system, &idle,
                           &iowait, &irq, &softirq, &steal);
        if (found != 9 || strcmp(name, wanted) != 0) continue;
        *task_ns += (user + nice + system) * tick_ns;
        *interrupt_ns += (irq + softirq) * tick_ns;
        *steal_ns += steal * tick_ns;
        break;
    }
    fclose(file);
}

void cload_read_cpus(int first, int second, uint64_t *task_ns, uint64_t *interrupt_ns, uint64_t *steal_ns) {
    *task_ns = *interrupt_ns = *steal_ns = 0;
    if (first < 0 || second < 0) {
        read_cpu(-1, task_ns, interrupt_ns, steal_ns);
        return;
    }
    read_cpu(first, task_ns, interrupt_ns, steal_ns);
    read_cpu(second, task_ns, interrupt_ns, steal_ns);
}

// How long the calling thread was ready to run and did not: something else had its CPU.
static uint64_t waiting_ns(void) {
    FILE *file = fopen("/proc/thread-self/schedstat", "re");
    if (file == NULL) return 0;
    unsigned long long running, waiting = 0;
    if (fscanf(file, "%llu %llu", &running, &waiting) != 2) waiting = 0;
    fclose(file);
    return waiting;
}

// The kernel's coarse counts, and how long the load waited: some 100 µs' worth of reading files.
static void read_surroundings(const struct engine *engine, struct snapshot *snapshot) {
    const cload_config *config = engine->config;
    cload_read_cpus(config->server_cpu, config->load_cpu, &snapshot->task_ns, &snapshot->interrupt_ns,
                    &snapshot->steal_ns);
    snapshot->load_waiting_ns = waiting_ns();
    snapshot->throttled_ns = config->throttle_file == NULL ? 0 : cload_throttled_ns(config->throttle_file);
}

static uint64_t descendants_ns(const struct engine *engine) {
    const cload_config *config = engine->config;
    return config->server_pid > 0 ? cload_descendants_cpu_ns(&config->processes, config->server_pid) : 0;
}

struct snapshot take_snapshot(const struct engine *engine, bool is_end) {
    struct snapshot snapshot = {0};
    if (!is_end) {
        read_surroundings(engine, &snapshot);
        nudge(&engine->nudge);
        snapshot.descendants_ns = descendants_ns(engine);
    }
    nudge(&engine->nudge);
    if (engine->config->server_pid > 0) snapshot.server_cpu_ns = clock_ns(engine->server_clock);
    snapshot.load_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    snapshot.time_ns = now_ns(engine);
    if (is_end) {
        snapshot.descendants_ns = descendants_ns(engine);
        read_surroundings(engine, &snapshot);
    }
    return snapshot;
}

uint64_t cload_cpu_ns(int32_t pid, int cpu) {
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock) != 0) return 0;
    struct nudge helper;
    nudge_start(&helper, cpu);
    nudge(&helper);
    const uint64_t used = clock_ns(clock);
    nudge_end(&helper);
    return used + cload_descendants_cpu_ns(NULL, pid);
}

// cgroup v2 counts microseconds, and v1 nanoseconds by another name.
uint64_t cload_throttled_ns(const char *path) {
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    char line[256];
    uint64_t throttled_ns = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long long count;
        if (sscanf(line, "throttled_usec %llu", &count) == 1) throttled_ns = count * 1000;
        if (sscanf(line, "throttled_time %llu", &count) == 1) throttled_ns = count;
    }
    fclose(file);
    return throttled_ns;
}

// Adds one process's memory. False when the kernel does not show it.
static bool add_memory(int32_t pid, uint64_t *rss_bytes, uint64_t *anonymous_bytes) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    char line[256];
    bool found = false;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned long long kib;
        if (sscanf(line, "Rss: %llu kB", &kib) == 1) {
            *rss_bytes += kib * 1024;
            found = true;
        }
        if (sscanf(line, "Anonymous: %llu kB", &kib) == 1) *anonymous_bytes += kib * 1024;
    }
    fclose(file);
    return found;
}

void read_memory(const struct engine *engine, uint64_t *rss_bytes, uint64_t *anonymous_bytes) {
    const cload_config *config = engine->config;
    *rss_bytes = *anonymous_bytes = 0;
    if (config->server_pid <= 0 || !add_memory(config->server_pid, rss_bytes, anonymous_bytes)) return;
    struct family family;
    find_family(&config->processes, config->server_pid, &family);
    // One that ends meanwhile has none.
    for (size_t i = 1; i < family.count; i++) add_memory(family.members[i], rss_bytes, anonymous_bytes);
    free(family.members);
}
