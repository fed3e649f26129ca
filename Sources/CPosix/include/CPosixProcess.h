// Pipes, child processes and signals. Results are the call's, zero or more, else minus errno.
#ifndef CPOSIX_PROCESS_H
#define CPOSIX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

// ---- Pipes

enum {
    CPOSIX_KIND_OTHER,
    CPOSIX_KIND_PIPE,
    CPOSIX_KIND_SOCKET,
    CPOSIX_KIND_MESSAGE_SOCKET,
    CPOSIX_KIND_TERMINAL,
    CPOSIX_KIND_DEVICE,
    CPOSIX_KIND_BLOCK_DEVICE,
    CPOSIX_KIND_FILE,
    CPOSIX_KIND_DIRECTORY,
};

// What a descriptor stands for. A SOCKET is a stream's, a MESSAGE_SOCKET keeps the bounds of messages. TERMINAL is any
// character device that can be waited for, DEVICE one that cannot.
int32_t cposix_descriptor_kind(int32_t descriptor);
// Whether there is any readiness to wait for: -EPERM when there is none, as for a regular file.
int32_t cposix_check_watchable(int32_t descriptor);
// Both ends blocking and close-on-exec: reading, then writing.
int32_t cposix_stream_pipe(int32_t ends[2]);
int32_t cposix_set_non_blocking(int32_t descriptor, bool non_blocking);

// RWF_NOSIGNAL, for a write that says EPIPE and raises no SIGPIPE (Linux 6.18).
#define CPOSIX_QUIET_WRITE 0x100
// Whether the kernel has it.
bool cposix_has_quiet_writes(void);
// read(2) that says EAGAIN instead of waiting, whether or not the descriptor is non-blocking. What knows no such call
// (FIFOs, terminals) is asked beforehand whether it is ready: there another reader of the same file can still be faster.
int64_t cposix_read_now(int32_t descriptor, void *bytes, uint64_t count);
// writev(2) of `count` iovecs likewise, which raises no SIGPIPE either. use_flag: try CPOSIX_QUIET_WRITE; otherwise, and where
// there is none, the signal is held meanwhile.
int64_t cposix_write_now(int32_t descriptor, const void *vector, int32_t count, bool use_flag);
// Whether the kernel knows reads and writes of pipes that do not wait (Linux 6.4).
bool cposix_pipes_know_no_wait(void);

// How a pipe, socket or terminal is used that others may share.
typedef struct cposix_adopted_pipe {
    // The descriptor itself, or a new one of an open file of its own, which is to be closed as well.
    int32_t descriptor;
    // Whether the descriptor itself had to be made non-blocking: undo that in the end.
    bool was_blocking;
} cposix_adopted_pipe;

// Sees to it that nobody waits within the kernel for a pipe, and that those who share it do not notice, where that is possible.
int32_t cposix_adopt_pipe(int32_t descriptor, cposix_adopted_pipe *adopted);
// Has a child find a descriptor blocking: returns a new one to give it in its stead, or -1 where it can be given as it is.
int32_t cposix_lend_blocking(int32_t descriptor);
// Whether nobody can read any more what is written to a pipe.
bool cposix_is_reader_gone(int32_t pipe);

// ---- What files are

enum {
    CPOSIX_NATURE_REGULAR = 1,
    CPOSIX_NATURE_LINK = 2,
    CPOSIX_NATURE_FIFO = 4,
    // Reading may have to wait for somebody else, and readiness tells.
    CPOSIX_NATURE_WAITS = 8,
    // It has no positions.
    CPOSIX_NATURE_STREAM = 16,
    CPOSIX_NATURE_SOCKET = 32,
    // A terminal or another character device that waits.
    CPOSIX_NATURE_DEVICE = 64,
};

// Any of these bits, or minus errno.
int32_t cposix_file_nature(int32_t descriptor);
// Whether a non-blocking reading end of a FIFO has, or had, a writer.
int32_t cposix_fifo_has_writer(int32_t fifo);

// ---- SIGPIPE

// What is to be undone when SIGPIPE was kept from the calling thread.
typedef struct cposix_pipe_signal {
    // The thread did not block it before.
    bool unblocks;
    // None was pending before: what is pending in the end, writes have raised.
    bool takes;
} cposix_pipe_signal;

// Keeps SIGPIPE from the calling thread.
cposix_pipe_signal cposix_hold_pipe_signal(void);
// Takes away what writes have raised meanwhile, and ends the hold.
void cposix_release_pipe_signal(cposix_pipe_signal held);

// ---- Child processes

// What stands in a child's first three descriptors instead of one of the parent's.
enum { CPOSIX_SPAWN_INHERITED = -1, CPOSIX_SPAWN_NULL = -2, CPOSIX_SPAWN_OUTPUT = -3 };
enum { CPOSIX_GROUP_INHERITED = -1 };

typedef struct cposix_spawn_request {
    const char *path;
    char *const *arguments;
    // Null for this process's own.
    char *const *environment;
    // Null for this process's own.
    const char *directory;
    int32_t sources[3];
    // A process group to join, zero for a new one, or CPOSIX_GROUP_INHERITED.
    int32_t group;
    bool new_session;
    bool close_others;
    // Whether a pidfd is wanted.
    bool opens_descriptor;
} cposix_spawn_request;

// A child that is not reaped.
typedef struct cposix_process {
    int32_t pid;
    // Its pidfd, or -1.
    int32_t descriptor;
} cposix_process;

// Starts a child with no signal blocked and with SIGPIPE and SIGXFSZ at their defaults. A pidfd that was asked for is missing
// when the child is gone already and was reaped for a process that ignores SIGCHLD.
int32_t cposix_spawn(const cposix_spawn_request *request, cposix_process *process);
// Reaps: 1 when the child has ended, with its exit code or minus its signal in `status`; 0 while it runs.
int32_t cposix_take_exit(cposix_process process, int32_t *status);
// A pidfd of a child of this process; -ESRCH when there is none of that number. Where the system has no pidfds, or a sandbox
// keeps them from us, a clock stands for it: readable from time to time, and the child is looked at then.
int32_t cposix_open_process(int32_t pid);
// Waits up to timeout_ms for a child with a descriptor to end, below zero without limit. 1 when it has, 0 when it has not.
int32_t cposix_wait_for_exit(cposix_process process, int32_t timeout_ms);
// Waits for a child's end without limit.
void cposix_reap(int32_t pid);
// By number, to what is a child of this process; else -ESRCH.
int32_t cposix_signal_child(int32_t pid, int32_t signal);
// Never to a process that is no child of this one, unless the program reaps that child while this runs and has no descriptor
// to spare.
int32_t cposix_signal_process(cposix_process process, int32_t signal);
// To all of the process group that a child was started to lead, never to another group that got its number: -ESRCH when nobody is
// left in it. Once the leader is reaped its pidfd is what names the group, which kernels from 6.9 on can do; for others it is
// gone then.
int32_t cposix_signal_group(cposix_process leader, bool is_reaped, int32_t signal);
// Whether an executable regular file stands at `path`: 0, or why not.
int32_t cposix_check_executable(const char *path);
// Whether `path` is a directory that can be entered: 0, or why not.
int32_t cposix_check_directory(const char *path);

// ---- Signals

// A receiver of signals, for one loop. Any number of them share this process's handlers.
typedef struct cposix_signal_watch cposix_signal_watch;

// `descriptor` becomes an eventfd that is readable while signals wait to be taken.
int32_t cposix_signals_open(cposix_signal_watch **watch, int32_t *descriptor);
// The first watch of a signal takes it over from whatever disposition it had, and the last one gives it back.
int32_t cposix_signals_add(cposix_signal_watch *watch, int32_t signal);
void cposix_signals_remove(cposix_signal_watch *watch, int32_t signal);
// Of a signal that the watch wants: whether it asks the program to end, so that the second one, of these of the watch, ends it.
// The next one is a first one in any case.
int32_t cposix_signals_set_ending(cposix_signal_watch *watch, int32_t signal, bool ends);
// Whether the calling thread is the one that the process began with.
bool cposix_is_first_thread(void);
bool cposix_signal_is_ignored(int32_t signal);
// Ends the program as the signal does where nobody handles it, or with status 128 and the signal's number. Standard output
// is flushed.
_Noreturn void cposix_end_by_signal(int32_t signal);
// Prints a line on standard error, after what is still to be printed on standard output, and ends the program with status 1.
_Noreturn void cposix_end_with_error(const char *line);
// The signals that came since the last time, signal n as bit n - 1.
uint64_t cposix_signals_take(cposix_signal_watch *watch);
// Removes what is left and closes the descriptor.
void cposix_signals_close(cposix_signal_watch *watch);
// For a fork's child, before it has a second thread. Of its parent's watches only remove and close may be called then: both
// take effect in the child alone.
void cposix_signals_begin_child(void);
// Whether `signal` may have a handler: 0; -EINVAL for what is no signal or belongs to the C library; -EPERM for what
// cannot be caught; -ENOTSUP for what an instruction raises, which would be run again.
int32_t cposix_signals_check(int32_t signal);
// A signal's name without its SIG, or null. Static text.
const char *cposix_signal_name(int32_t signal);

#endif
