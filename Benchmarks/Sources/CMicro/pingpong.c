#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cmicro.h"

struct side {
    int own, other, epoll, cpu;
    uint64_t count;
    bool failed;
};

static uint64_t clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t cmicro_thread_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

static bool pass_on(struct side *side) {
    const uint64_t one = 1;
    return write(side->other, &one, sizeof one) == sizeof one;
}

static bool await_turn(struct side *side) {
    struct epoll_event event;
    uint64_t value;
    return epoll_wait(side->epoll, &event, 1, -1) == 1 && read(side->own, &value, sizeof value) == sizeof value;
}

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    // On one CPU it fails, and both threads share that one.
    sched_setaffinity(0, sizeof set, &set);
}

static void *answer(void *argument) {
    struct side *side = argument;
    pin(side->cpu);
    for (uint64_t i = 0; i < side->count && !side->failed; i++) {
        side->failed = !await_turn(side) || !pass_on(side);
    }
    return NULL;
}

static void *ask(void *argument) {
    struct side *side = argument;
    pin(side->cpu);
    for (uint64_t i = 0; i < side->count && !side->failed; i++) {
        side->failed = !pass_on(side) || !await_turn(side);
    }
    return NULL;
}

static bool watch(struct side *side) {
    side->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    return side->epoll >= 0 && side->own >= 0 && epoll_ctl(side->epoll, EPOLL_CTL_ADD, side->own, &event) == 0;
}

uint64_t cmicro_eventfd_round_trips(uint64_t count) {
    const int first = eventfd(0, EFD_CLOEXEC), second = eventfd(0, EFD_CLOEXEC);
    struct side asking = {.own = first, .other = second, .cpu = 0, .count = count};
    struct side answering = {.own = second, .other = first, .cpu = 1, .count = count};
    pthread_t asker, answerer;
    uint64_t elapsed = 0;
    // Both are tried, so that both epoll descriptors are set before they are closed.
    const bool watched = watch(&asking) & watch(&answering);
    if (watched && pthread_create(&answerer, NULL, answer, &answering) == 0) {
        const uint64_t start = clock_ns(CLOCK_MONOTONIC);
        if (pthread_create(&asker, NULL, ask, &asking) == 0) pthread_join(asker, NULL);
        pthread_join(answerer, NULL);
        if (!asking.failed && !answering.failed) elapsed = clock_ns(CLOCK_MONOTONIC) - start;
    }
    close(asking.epoll);
    close(answering.epoll);
    close(first);
    close(second);
    return elapsed;
}
