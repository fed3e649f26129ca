// What a sandbox does to calls that are newer than itself.
#ifndef CPOSIX_REFUSAL_H
#define CPOSIX_REFUSAL_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "CPosixProcess.h"

// Whether a call's error may mean that there is no such call here: an older kernel says ENOSYS, a filter that does not know
// the call EPERM or EACCES. Where the call has an older twin, that one is asked, and says what is true.
static inline bool cposix_may_lack_call(int error) { return error == ENOSYS || error == EPERM || error == EACCES; }

// The same for calls that make descriptors. Each of them is close-on-exec: between the older call and the flag another thread
// may start a child, which then has the descriptor too.
int cposix_older_pipe(int ends[2], bool non_blocking);
int cposix_older_eventfd(void);
// fstat(2) in the form of a struct statx: zero or minus errno.
int cposix_older_status(int descriptor, void *raw);
// In place of a pidfd: a descriptor that becomes readable from time to time, to have one look whether the child has ended.
int cposix_make_clock(void);
// Lets it tell the next time. Does nothing to other descriptors.
void cposix_look_later(int descriptor);
int cposix_older_accept(int listener, void *address, unsigned *length, bool non_blocking);

// Whether a filter refuses clone3(2), by which the C library starts processes. It takes EPERM for the last word.
bool cposix_is_clone3_refused(void);
// Starts a child by fork(2) instead. Zero or errno.
int32_t cposix_fork_and_execute(const cposix_spawn_request *request, const int32_t sources[3], int32_t *pid);

#endif
