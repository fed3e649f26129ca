// What Swift cannot import from glibc: thread locals, GNU-only calls, macros.
#ifndef CPOSIX_H
#define CPOSIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CPosixProcess.h"
#include "CPosixUnix.h"

// A number for the calling thread, unique for the life of the process (unlike a pthread_t or a tid, which are
// used again). Zero is no thread.
//
// initial-exec: read with one instruction, where position-independent code would call __tls_get_addr each time. A few
// words fit the room that the loader keeps for libraries that are opened later.
#define CPOSIX_THREAD_LOCAL extern __thread __attribute__((tls_model("initial-exec")))
CPOSIX_THREAD_LOCAL uint64_t cposix_thread_number;
uint64_t cposix_assign_thread_number(void);

static inline uint64_t cposix_thread_id(void) {
    uint64_t number = cposix_thread_number;
    return __builtin_expect(number != 0, 1) ? number : cposix_assign_thread_number();
}

// The loop that runs on the calling thread, or null: an unretained pointer that the running loop sets and clears.
CPOSIX_THREAD_LOCAL void *cposix_running_loop;

static inline void *cposix_get_running_loop(void) { return cposix_running_loop; }
static inline void cposix_set_running_loop(void *loop) { cposix_running_loop = loop; }

// Whether the calling thread runs a Swift task. It asks what compiled Swift code asks for its current task; the standard
// library's withUnsafeCurrentTask costs several times as much.
extern void *swift_task_getCurrent(void) __attribute__((swiftcall));
static inline void *cposix_current_task(void) { return swift_task_getCurrent(); }
static inline bool cposix_is_within_task(void) { return swift_task_getCurrent() != 0; }

// Whether the calling task is cancelled, as Task.isCancelled, which retains the task to ask it. False outside of a task.
extern bool swift_task_isCancelled(void *task) __attribute__((swiftcall));
static inline bool cposix_is_task_cancelled(void) {
    void *task = swift_task_getCurrent();
    return task != 0 && swift_task_isCancelled(task);
}

// Has `cancelled` called with `object` when the calling task is cancelled, on whatever thread that happens, and at once when
// it is cancelled already. One function for the whole process: it must be the same each time. What is returned is to be
// handed to cposix_remove_cancellation_handler, by the same task, before what the task has allocated earlier is freed. This
// is what withTaskCancellationHandler does inside, without its closures and its changes of executor, which cost more than a
// whole wait without them.
void *cposix_add_cancellation_handler(void (*cancelled)(void *object), void *object);
void cposix_remove_cancellation_handler(void *handler);

// Where the calling thread wants the next job that is enqueued, instead of having it scheduled; null otherwise.
CPOSIX_THREAD_LOCAL void *cposix_job_capture;

static inline void *cposix_get_job_capture(void) { return cposix_job_capture; }
static inline void cposix_set_job_capture(void *target) { cposix_job_capture = target; }

// Whether the calling thread is within a deinitialiser that releases a chain, and what those within it have kept back.
CPOSIX_THREAD_LOCAL bool cposix_releasing;
CPOSIX_THREAD_LOCAL void *cposix_kept_release;

static inline bool cposix_is_releasing(void) { return cposix_releasing; }
static inline void cposix_set_releasing(bool is_releasing) { cposix_releasing = is_releasing; }
static inline void *cposix_get_kept_release(void) { return cposix_kept_release; }
static inline void cposix_set_kept_release(void *kept) { cposix_kept_release = kept; }

// How often this process descends from a fork since the program began: what was made with another number is a parent's.
extern uint32_t cposix_fork_count;
static inline uint32_t cposix_current_fork(void) { return cposix_fork_count; }

// The number that the thread of the last fork had before it: the one whose work the fork has not cut in two.
extern uint64_t cposix_forking_thread;
static inline uint64_t cposix_forking_thread_id(void) { return cposix_forking_thread; }

// Has each fork hold the pthread_mutex_t, so that a child finds it free and what it guards whole. It must live for ever, and
// nobody may fork while holding it. False when there are too many of them.
bool cposix_keep_lock_across_forks(void *mutex);

// CLOCK_MONOTONIC in nanoseconds.
int64_t cposix_monotonic_nanoseconds(void);

// Each returns the call's result, or minus errno.
// Writes the peer's address to `address`, which has room for `*length` bytes, unless it is null.
int32_t cposix_accept(int32_t listener, bool non_blocking, void *address, uint32_t *length);
// Zero after EINTR too: Linux has freed the descriptor by then, and to close it again could close a stranger's.
int32_t cposix_close(int32_t descriptor);
// Ends a socket's SO_LINGER, unless it is the one of zero seconds, which waits for nothing.
void cposix_stop_lingering(int32_t descriptor);
// Ends a TCP connection by RST, at once and whoever has a copy of the socket. Other sockets stay as they are.
void cposix_reset_connection(int32_t socket);
int32_t cposix_socket(int32_t family, int32_t type, int32_t protocol, bool non_blocking);
int32_t cposix_eventfd(void);
int32_t cposix_epoll_create(void);

// What an epoll watches a descriptor for, and what it found; the kernel's own struct is packed on some machines only.
typedef struct cposix_epoll_event {
    uint32_t events;
    int32_t descriptor;
    uint32_t stamp;
} cposix_epoll_event;

#define CPOSIX_EPOLL_EVENTS_MAX 256

enum { CPOSIX_EPOLL_READABLE = 1, CPOSIX_EPOLL_WRITABLE = 4, CPOSIX_EPOLL_FAILED = 8, CPOSIX_EPOLL_HUNG_UP = 16 };
enum { CPOSIX_EPOLL_ADD = 1, CPOSIX_EPOLL_DELETE = 2, CPOSIX_EPOLL_MODIFY = 3 };

int32_t cposix_epoll_control(int32_t epoll, int32_t action, cposix_epoll_event event);
// Fills up to min(capacity, CPOSIX_EPOLL_EVENTS_MAX) events. timeout_ns < 0 waits without limit. Falls back to
// millisecond waits, rounded up, without epoll_pwait2.
int32_t cposix_epoll_wait(int32_t epoll, cposix_epoll_event *events, int32_t capacity, int64_t timeout_ns);
int32_t cposix_ppoll(void *pollfds, uint64_t count, int64_t timeout_ns);
// Bit arrays of `limit` descriptors; timeout as above.
int32_t cposix_pselect(int32_t limit, void *readable, void *writable, void *failed, int64_t timeout_ns);

// Has the processor fetch what it will soon be asked for.
static inline void cposix_prefetch(const void *address) { __builtin_prefetch(address); }

// One datagram on its way out. Without an address it goes to where the socket is connected.
typedef struct cposix_datagram {
    const void *bytes;
    const void *address;
    uint32_t count;
    uint32_t address_length;
} cposix_datagram;

// Sends datagrams in order, without waiting and without SIGPIPE, until one is refused. How many went out, or minus errno
// when it was the first that was refused.
//
// UDP datagrams in a row to one destination, of one size of at most `*run_size_max` (the last may be shorter), pass the
// network stack as one and are cut at its lower end. Where they cannot, they go one by one, and the size is lowered. Zero
// keeps all apart.
int32_t cposix_send_datagrams(int32_t socket, const cposix_datagram *datagrams, uint32_t count,
                              uint32_t *run_size_max);

// An entry of a socket's error queue.
typedef struct cposix_queued_error {
    // Zero for what is no error but a note that somebody asked for, such as when a packet left.
    int32_t error;
    // Whether this machine found it while it sent, and told the sender at once. Else it came later, from the network.
    bool is_local;
    // Where the packet was to go: a sockaddr, or no bytes.
    uint32_t address_length;
    _Alignas(8) uint8_t address[128];
} cposix_queued_error;

// Takes the oldest entry of a socket's error queue: 1, or 0 when there is none or the socket has no such queue.
int32_t cposix_take_queued_error(int32_t socket, cposix_queued_error *taken);
// What poll(2) finds without waiting, of `events` and of errors and hang-ups; zero when it cannot be asked.
int32_t cposix_poll_now(int32_t descriptor, int32_t events);

// ---- Memory

// Where the bytes of `pattern` stand first in `bytes`, or null.
const void *cposix_find(const void *bytes, size_t count, const void *pattern, size_t pattern_count);

// ---- Files

// What is asked of statx(2): all that every file system has, the time of birth, and the alignment of direct I/O.
#define CPOSIX_STATUS_MASK 0x2fffu
// Bytes of a struct statx.
#define CPOSIX_STATUS_SIZE 256

typedef struct cposix_file_status {
    uint32_t mode;
    uint32_t link_count;
    uint32_t user;
    uint32_t group;
    uint32_t block_size;
    // Zero where the file system does not say.
    uint32_t direct_memory_alignment;
    uint32_t direct_offset_alignment;
    bool has_birth_time;
    uint64_t inode;
    uint64_t device;
    int64_t size;
    int64_t allocated_bytes;
    // Nanoseconds since 1970.
    int64_t access_time_ns, change_time_ns, modification_time_ns, birth_time_ns;
} cposix_file_status;

// O_DIRECT, which each kind of processor numbers in its own way.
int32_t cposix_direct_flag(void);
// O_PATH, for looking at a file without opening it.
int32_t cposix_path_flag(void);

// Fills CPOSIX_STATUS_SIZE bytes at `raw`, as the ring's operation does.
int32_t cposix_statx(int32_t descriptor, void *raw);
void cposix_read_status(const void *raw, cposix_file_status *status);

// recv(2) and send(2), which return minus errno.
int64_t cposix_receive(int32_t socket, void *buffer, uint64_t count, int32_t flags);
int64_t cposix_send(int32_t socket, const void *bytes, uint64_t count, int32_t flags);
// sendfile(2) that raises no SIGPIPE in the calling thread.
int64_t cposix_sendfile(int32_t socket, int32_t file, int64_t *offset, uint64_t count);
// A pipe of close-on-exec descriptors that do not block, made as large as the system allows up to `wanted` bytes. Returns
// its capacity.
int32_t cposix_pipe(int32_t ends[2], int32_t wanted);
// Replaces SO_SNDTIMEO; zero is none. Returns minus errno.
int32_t cposix_exchange_send_timeout(int32_t socket, int64_t microseconds, int64_t *previous);

// ---- Threads

int32_t cposix_set_thread_name(const char *name);
// Has the calling thread run on one processor only. Returns zero or minus errno.
int32_t cposix_pin_thread(int32_t processor);
// Starts a thread that nobody can join. It may run wherever the calling thread could before that was pinned: pinned is
// one thread, not what it starts. Returns zero or minus errno.
int32_t cposix_start_thread(void *(*body)(void *), void *argument);
// The first processor from `processor` on that the calling thread may use, or minus errno: -ENOENT when there is none.
int32_t cposix_next_allowed_processor(int32_t processor);
// Suspends the calling thread for so long, or until a signal comes.
void cposix_sleep(int64_t nanoseconds);
// Lets another thread have the processor.
void cposix_yield(void);

#endif
