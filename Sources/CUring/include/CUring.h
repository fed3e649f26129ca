// io_uring for Swift, over liburing. Only plain integers and pointers here: liburing.h and linux/io_uring.h clash
// with Glibc's module (fd_set, timespec), so nothing that Swift imports may include them.
//
// Thread rule: one thread at a time, and mostly one for good.
// - Until curing_enable any thread may call: whoever makes the ring, asks what it can do, registers buffers and prepares
//   submissions, which wait in the queue. Nothing can be submitted yet.
// - From curing_enable on, all calls come from the thread that made that call.
// - When that thread has ended, another may call curing_reap, curing_take_unsubmitted and curing_destroy.
// - In a fork's child: curing_abandon only, and what only concerns buffers, which does nothing there.
// - curing_wake_ring: any thread at any time, as long as the ring's descriptor is open.
// Results are the kernel's: zero or more, else minus errno.
#ifndef CURING_H
#define CURING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct curing_ring curing_ring;
typedef struct curing_buffers curing_buffers;

// A completion as the kernel wrote it.
typedef struct {
    uint64_t user_data;
    int32_t result;
    uint32_t flags;
} curing_completion;

// How a buffer begins that a multishot receive of messages has filled: the kernel's io_uring_recvmsg_out.
typedef struct {
    uint32_t name_length;
    uint32_t control_length;
    uint32_t payload_length;
    uint32_t flags;
} curing_datagram_head;

// Bits of curing_completion.flags; CUring.c asserts that they are the kernel's.
#define CURING_COMPLETION_BUFFER (1u << 0)       // the upper 16 bits hold a buffer's number
#define CURING_COMPLETION_MORE (1u << 1)         // the operation goes on
#define CURING_COMPLETION_NOTIFICATION (1u << 3) // a zero-copy send's second completion
#define CURING_COMPLETION_BUFFER_MORE (1u << 4)  // the buffer is only partly consumed
#define CURING_COMPLETION_BUFFER_SHIFT 16

// Of a poll's result: a socket's peer has ended its sending.
#define CURING_POLL_PEER_ENDED 0x2000

typedef struct {
    uint32_t submission_entries;
    uint32_t completion_entries;
} curing_parameters;

// ---- Life of a ring

// Makes a ring that is disabled until curing_enable (R_DISABLED), with SINGLE_ISSUER, DEFER_TASKRUN, COOP_TASKRUN,
// TASKRUN_FLAG, SUBMIT_ALL, CQSIZE and CLAMP: queues larger than the kernel allows become the largest that it does.
// A fork's child does not inherit the queues, and of the entries of provided buffers it gets zeros. The descriptor it does.
// was_made, after a failure: the kernel had made it, and the process had no room for it.
int32_t curing_create(const curing_parameters *parameters, curing_ring **ring, bool *was_made);
// Binds the ring to the calling thread, for good.
int32_t curing_enable(curing_ring *ring);
// on_owner_thread: whether the caller is the thread that enabled the ring.
void curing_destroy(curing_ring *ring, bool on_owner_thread);
// For a process that inherited the ring by fork: lets go of the descriptor and touches nothing else.
void curing_abandon(curing_ring *ring);
int32_t curing_descriptor(const curing_ring *ring);
uint32_t curing_submission_entries(const curing_ring *ring);
uint32_t curing_completion_entries(const curing_ring *ring);
// Whether a read can be multishot (kernel 6.7).
bool curing_has_multishot_read(curing_ring *ring);
// Whether an accept can be told not to wait. Kernel 6.10 can, and this says so of 6.11, whose operations tell it apart.
bool curing_has_wait_free_accept(curing_ring *ring);
// Whether a child's end can be waited for (kernel 6.7).
bool curing_has_child_waits(curing_ring *ring);
bool curing_has_no_iowait(const curing_ring *ring);
// Caps the threads that the kernel may start for work that would block: limits[0] for regular files, limits[1] for the rest.
// Puts the former limits there; a zero leaves a limit as it is.
int32_t curing_cap_workers(curing_ring *ring, uint32_t *limits);

// ---- Submission. Each prepare returns false when the submission queue is full and nothing was queued.

// wait_free: with nobody to accept, or when all are accepted, it ends with EAGAIN.
bool curing_prepare_accept(curing_ring *ring, int32_t listener, bool multishot, bool wait_free, uint64_t user_data);
// The address is written to `address`, which has room for `*length` bytes.
bool curing_prepare_accept_one(curing_ring *ring, int32_t listener, void *address, uint32_t *length, uint64_t user_data);
bool curing_prepare_connect(curing_ring *ring, int32_t socket, const void *address, uint32_t length, uint64_t user_data);
bool curing_prepare_receive_selected(curing_ring *ring, int32_t socket, uint16_t group, bool multishot, uint64_t user_data);
// Multishot, until it has brought so many bytes, in pieces of at most so many; zero for what a buffer has room for. With a
// length the kernel lets everybody else have a turn after each piece. Only where `receive_counts`.
bool curing_prepare_receive_share(curing_ring *ring, int32_t socket, uint16_t group, uint32_t piece, uint32_t share,
                                  uint64_t user_data);
// Into a buffer of the group, `count` bytes at most. Unless it waits, EAGAIN is the result when there is nothing. What polls first
// does not try before it waits.
bool curing_prepare_receive_once(curing_ring *ring, int32_t socket, uint16_t group, uint32_t count, bool waits,
                                 bool polls_first, uint64_t user_data);
bool curing_prepare_receive_message_once(curing_ring *ring, int32_t socket, void *message, uint64_t user_data);
bool curing_prepare_receive(curing_ring *ring, int32_t socket, void *bytes, uint32_t count, uint64_t user_data);
// Datagrams into provided buffers, by the `msghdr` at `message`. multishot: each buffer begins with a curing_datagram_head,
// then as many bytes for the source's address as msg_namelen says and for control messages as msg_controllen says, then
// the payload. Else the msghdr is filled in.
bool curing_prepare_receive_message(curing_ring *ring, int32_t socket, void *message, uint16_t group, bool multishot,
                                    uint64_t user_data);
// Neither waits for room: EAGAIN is the result then.
bool curing_prepare_send(curing_ring *ring, int32_t socket, const void *bytes, uint32_t count, uint64_t user_data);
bool curing_prepare_send_message(curing_ring *ring, int32_t socket, const void *message, uint64_t user_data);
// elsewhere: on a thread of the kernel's, for what may take its time.
bool curing_prepare_close(curing_ring *ring, int32_t descriptor, bool elsewhere, uint64_t user_data);
// Completes with the events, to which the kernel always adds errors, hang-ups and CURING_POLL_PEER_ENDED. multishot: until
// it is cancelled, with what there is and then with each change.
bool curing_prepare_poll(curing_ring *ring, int32_t descriptor, uint32_t events, bool multishot, uint64_t user_data);
// offset: -1 for a descriptor that has no position, such as an eventfd.
bool curing_prepare_read(curing_ring *ring, int32_t descriptor, void *bytes, uint32_t count, int64_t offset,
                         uint64_t user_data);
// offset: -1 for a descriptor that has no position.
bool curing_prepare_write(curing_ring *ring, int32_t descriptor, const void *bytes, uint32_t count, int64_t offset,
                          uint64_t user_data);
// The path ends with a zero, and stays where it is until the completion.
bool curing_prepare_open(curing_ring *ring, const char *path, int32_t flags, uint32_t mode, uint64_t user_data);
bool curing_prepare_fsync(curing_ring *ring, int32_t descriptor, bool data_only, uint64_t user_data);
// status: room for a struct statx, see CPosix.
bool curing_prepare_statx(curing_ring *ring, int32_t descriptor, uint32_t mask, void *status, uint64_t user_data);

// One move of bytes between a pipe and something else. from_offset: -1 for what has no position.
typedef struct {
    int32_t from;
    int32_t to;
    int64_t from_offset;
    uint32_t count;
    uint64_t user_data;
} curing_splice;

// All of the moves or none; each begins when the one before it has moved all of its bytes, else it is cancelled.
bool curing_prepare_splices(curing_ring *ring, const curing_splice *moves, uint32_t count);

// Reads into a buffer of the group, of `count` bytes, until it is cancelled when multishot.
bool curing_prepare_pipe_read(curing_ring *ring, int32_t pipe, uint32_t count, uint16_t group, bool multishot,
                              uint64_t user_data);
// flags: those of pwritev2(2).
bool curing_prepare_pipe_write(curing_ring *ring, int32_t pipe, const void *bytes, uint32_t count, uint32_t flags,
                               uint64_t user_data);
bool curing_prepare_pipe_write_vector(curing_ring *ring, int32_t pipe, const void *vector, uint32_t count, uint32_t flags,
                                      uint64_t user_data);
// Waits until a child of this process has ended, and does not reap it.
bool curing_prepare_child_wait(curing_ring *ring, int32_t pid, uint64_t user_data);
bool curing_prepare_cancel(curing_ring *ring, uint64_t target, uint64_t user_data);
// Cancels whatever is in flight, but for cancels.
bool curing_prepare_cancel_all(curing_ring *ring, uint64_t user_data);

// Takes back the oldest submission that the kernel has not seen. Any thread, when no other uses the ring.
bool curing_take_unsubmitted(curing_ring *ring, uint64_t *user_data);

// Hands what is prepared to the kernel without waiting.
int32_t curing_submit(curing_ring *ring);
// Hands over what is prepared, runs the kernel's deferred work, and waits until one completion is there or the time is
// up. timeout_ns: 0 polls, below 0 waits without limit. A time-out is 0.
int32_t curing_submit_and_wait(curing_ring *ring, int64_t timeout_ns, bool no_iowait);
// Moves at most `capacity` completions out of the ring.
uint32_t curing_reap(curing_ring *ring, curing_completion *into, uint32_t capacity);
bool curing_has_completions(const curing_ring *ring);
// Whether an enter that does not wait would change nothing: nothing to hand over, to fetch, or for the kernel to do.
bool curing_is_quiet(const curing_ring *ring);

// ---- Larger queues

// Whether the kernel can give a ring other queues (6.13).
bool curing_can_grow(const curing_ring *ring);
// Whether it can do so while others make work for the ring: 1 or 0, or minus errno when it could not be found out.
// Some milliseconds, by a ring of its own.
int32_t curing_growth_is_safe(void);
// Gives the ring larger queues. -EAGAIN: not while something waits to be submitted. -ENODEV: the ring can be used no more.
// After any other failure it is as before. The kernel may take some milliseconds.
int32_t curing_grow(curing_ring *ring, const curing_parameters *parameters);
// Whether completions wait in the kernel that found the queue full.
bool curing_has_overflown(const curing_ring *ring);

// ---- Faults of kernels

// What the kernel does with multishot operations.
typedef struct {
    // They tell of an end of stream that comes together with the last bytes:
    bool unix_receive_ends; // a receive on a Unix socket: not in 6.17 and some 6.18
    bool read_ends;         // a read, of a pipe and of a Unix socket
    bool receive_counts;    // a receive can be told to end after so many bytes (6.17)
} curing_multishot_facts;

// Tries it out, by a ring, buffers and sockets of its own.
int32_t curing_find_multishot_facts(curing_multishot_facts *facts);

// ---- Waking a ring from any thread, with or without a ring of its own (kernel 6.13)

int32_t curing_wake_ring(int32_t ring_descriptor, uint64_t user_data);

// ---- Provided buffers

// `count` (a power of two) buffers of `size` bytes in one mapping; null without memory.
curing_buffers *curing_buffers_create(uint32_t count, uint32_t size);
// Shows them to the ring, which has the first `first_count` of them; the others are given to it like those that come back.
// incremental: consumed piece by piece (kernel 6.12).
int32_t curing_buffers_register(
    curing_buffers *buffers, curing_ring *ring, uint16_t group, uint32_t first_count, bool incremental
);
// Only after the ring is destroyed, or nothing in it can still write to them.
void curing_buffers_destroy(curing_buffers *buffers);
void *curing_buffers_base(const curing_buffers *buffers);
// Gives buffer `number` back; seen by the kernel after the next publish.
void curing_buffers_recycle(curing_buffers *buffers, uint16_t number);
void curing_buffers_publish(curing_buffers *buffers);
// How many of the buffers the kernel has taken and not got back, as it says itself (kernel 6.8). On the ring's thread.
int32_t curing_buffers_missing(const curing_buffers *buffers, const curing_ring *ring, uint16_t group);

// A flag of io_uring_enter(2), newer than liburing 2.3.
#define CURING_ENTER_NO_IOWAIT (1u << 7)
// The flags that the kernel was last entered with, for tests and for debugging.
uint32_t curing_last_enter_flags(const curing_ring *ring);

#endif
