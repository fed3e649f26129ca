// What the micro-benchmarks need from C.
#ifndef CMICRO_H
#define CMICRO_H

#include <stdbool.h>
#include <stdint.h>

// How often the calling thread has allocated memory, of all the code in this process: malloc and its kin are wrapped.
uint64_t cmicro_allocations(void);

// CPU time of the calling thread, in nanoseconds.
uint64_t cmicro_thread_cpu_ns(void);

// Two threads, pinned to CPUs 0 and 1 where there are two, each asleep in epoll_wait on an eventfd of its own, wake each
// other `count` times there and back. Nanoseconds for all of them, or 0 when it could not be set up.
uint64_t cmicro_eventfd_round_trips(uint64_t count);

// Starts the program `count` times by posix_spawn, and waits each time by waitid. False when one failed.
bool cmicro_spawn_and_wait(const char *path, uint32_t count);

// CPU time of all children that were waited for, in nanoseconds.
uint64_t cmicro_children_cpu_ns(void);

#endif
