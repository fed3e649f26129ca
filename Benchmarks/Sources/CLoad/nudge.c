#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine.h"

static void *wake_up_and_sleep(void *context) {
    const int event = ((const struct nudge *)context)->event;
    uint64_t value;
    // A count that is too large to be one nudge is the end.
    while (read(event, &value, sizeof value) == sizeof value ? value < UINT32_MAX : errno == EINTR) continue;
    return NULL;
}

static void add(int event, uint64_t value) {
    while (write(event, &value, sizeof value) < 0 && errno == EINTR) continue;
}

// Without a CPU, or when it cannot be, the times are as old as they are.
void nudge_start(struct nudge *nudge, int cpu) {
    nudge->event = -1;
    if (cpu < 0) return;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    nudge->event = eventfd(0, EFD_CLOEXEC);
    const bool starts = nudge->event >= 0 && pthread_attr_setaffinity_np(&attributes, sizeof set, &set) == 0 &&
                        pthread_create(&nudge->thread, &attributes, wake_up_and_sleep, nudge) == 0;
    pthread_attr_destroy(&attributes);
    if (starts || nudge->event < 0) return;
    close(nudge->event);
    nudge->event = -1;
}

void nudge(const struct nudge *nudge) {
    if (nudge->event >= 0) add(nudge->event, 1);
}

void nudge_end(struct nudge *nudge) {
    if (nudge->event < 0) return;
    add(nudge->event, UINT32_MAX);
    pthread_join(nudge->thread, NULL);
    close(nudge->event);
    nudge->event = -1;
}
