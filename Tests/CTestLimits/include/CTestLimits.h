#ifndef CTESTLIMITS_H
#define CTESTLIMITS_H

#include <pthread.h>
#include <stdbool.h>

// Limits that end what hangs, by means of the system alone: they hold also for a process whose runtime is stuck.

/// How long the process of an exit test may run, and how long on from each call of ctestlimits_renew().
#define CTESTLIMITS_EXIT_TEST_SECONDS 150

/// Has the kernel end this process by SIGKILL, which nothing blocks or handles, so many milliseconds from now. A fork does
/// not inherit it.
void ctestlimits_end_process_after(unsigned milliseconds);

/// In the process of an exit test: another CTESTLIMITS_EXIT_TEST_SECONDS from now. Elsewhere nothing.
void ctestlimits_renew(void);

/// How many whole seconds this process has left; -1 where there is no limit.
long ctestlimits_seconds_left(void);

/// The number that the system knows the calling thread by.
int ctestlimits_thread(void);

/// Joins a thread; false when it has not ended within so many seconds.
bool ctestlimits_join(pthread_t thread, unsigned seconds);

#endif
