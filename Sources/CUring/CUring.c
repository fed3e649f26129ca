#define _GNU_SOURCE
#include "CUring.h"

#include <errno.h>

#include "ring.h"
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Debian 12 has liburing 2.3, older than the kernels that this library uses well: names that it lacks.
#define RING_FEATURE_NO_IOWAIT (1u << 17)
#define RING_REGISTER_SEND_MSG_RING 31

_Static_assert(CURING_COMPLETION_BUFFER == IORING_CQE_F_BUFFER, "completion flag: buffer");
_Static_assert(CURING_COMPLETION_MORE == IORING_CQE_F_MORE, "completion flag: more");
_Static_assert(CURING_COMPLETION_NOTIFICATION == IORING_CQE_F_NOTIF, "completion flag: notification");
_Static_assert(CURING_COMPLETION_BUFFER_SHIFT == IORING_CQE_BUFFER_SHIFT, "completion flag: buffer shift");
_Static_assert(CURING_POLL_PEER_ENDED == POLLRDHUP, "poll event");
_Static_assert(sizeof(curing_completion) == sizeof(struct io_uring_cqe), "completion layout");
_Static_assert(offsetof(curing_completion, result) == offsetof(struct io_uring_cqe, res), "completion layout");
_Static_assert(offsetof(curing_completion, flags) == offsetof(struct io_uring_cqe, flags), "completion layout");
_Static_assert(sizeof(curing_datagram_head) == sizeof(struct io_uring_recvmsg_out), "datagram head layout");
_Static_assert(offsetof(curing_datagram_head, flags) == offsetof(struct io_uring_recvmsg_out, flags), "datagram head layout");

// ---- Life of a ring

int32_t curing_create(const curing_parameters *parameters, curing_ring **out, bool *was_made) {
    *was_made = false;
    curing_ring *self = calloc(1, sizeof *self);
    if (!self) return -ENOMEM;
    struct io_uring_params wanted = {
        .flags = IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
        .cq_entries = parameters->completion_entries,
    };
    // Not io_uring_queue_init_params: it does not say whether the kernel had no memory, or this process no room for the queues.
    int descriptor = io_uring_setup(parameters->submission_entries, &wanted);
    if (descriptor < 0) {
        free(self);
        return descriptor;
    }
    *was_made = true;
    int result = io_uring_queue_mmap(descriptor, &wanted, &self->ring);
    if (result < 0) {
        close(descriptor);
        free(self);
        return result;
    }
    self->ring.features = wanted.features;
    result = io_uring_ring_dontfork(&self->ring);
    if (result < 0) {
        io_uring_queue_exit(&self->ring);
        free(self);
        return result;
    }
    self->order_is_known = wanted.sq_off.array == curing_order_offset(&wanted);
    curing_order_submissions(&self->ring);
    *out = self;
    return 0;
}

int32_t curing_enable(curing_ring *self) {
    // liburing 2.3 declares io_uring_enable_rings, but does not export it.
    int result = io_uring_register(self->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (result < 0) return result;
    // Saves a descriptor look-up at each enter; a process may have used up its 16, which harms nothing.
    self->descriptor_is_registered = io_uring_register_ring_fd(&self->ring) == 1;
    return 0;
}

void curing_destroy(curing_ring *self, bool on_owner_thread) {
    // A registered descriptor is an index in the owner thread's table: elsewhere it would name a stranger's ring.
    if (!on_owner_thread) self->ring.int_flags = 0;
    io_uring_queue_exit(&self->ring);
    free(self);
}

void curing_abandon(curing_ring *self) {
    // The queues are not mapped here (MADV_DONTFORK), and what stands at their addresses may be a stranger's.
    close(self->ring.ring_fd);
    free(self);
}

int32_t curing_descriptor(const curing_ring *self) { return self->ring.ring_fd; }
uint32_t curing_submission_entries(const curing_ring *self) { return self->ring.sq.ring_entries; }
uint32_t curing_completion_entries(const curing_ring *self) { return self->ring.cq.ring_entries; }

bool curing_has_no_iowait(const curing_ring *self) { return (self->ring.features & RING_FEATURE_NO_IOWAIT) != 0; }

int32_t curing_cap_workers(curing_ring *self, uint32_t *limits) {
    return io_uring_register_iowq_max_workers(&self->ring, limits);
}

// ---- Submission

#define RING_ACCEPT_DONTWAIT (1U << 1)

bool curing_prepare_accept(curing_ring *self, int32_t listener, bool multishot, bool wait_free, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    // No address is asked for: a multishot accept would share one among all its completions.
    io_uring_prep_accept(entry, listener, NULL, NULL, SOCK_CLOEXEC);
    if (multishot) entry->ioprio |= IORING_ACCEPT_MULTISHOT;
    if (wait_free) entry->ioprio |= RING_ACCEPT_DONTWAIT;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_accept_one(curing_ring *self, int32_t listener, void *address, uint32_t *length, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_accept(entry, listener, address, length, SOCK_CLOEXEC);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_connect(curing_ring *self, int32_t socket, const void *address, uint32_t length, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_connect(entry, socket, address, length);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_receive_selected(curing_ring *self, int32_t socket, uint16_t group, bool multishot,
                                     uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_recv(entry, socket, NULL, 0, 0);
    if (multishot) entry->ioprio |= IORING_RECV_MULTISHOT;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_receive_share(curing_ring *self, int32_t socket, uint16_t group, uint32_t piece, uint32_t share,
                                  uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    // In place of a file's number stands what all pieces may bring together (`optlen`).
    io_uring_prep_recv(entry, socket, NULL, piece, 0);
    entry->ioprio |= IORING_RECV_MULTISHOT;
    entry->file_index = share;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_receive_once(curing_ring *self, int32_t socket, uint16_t group, uint32_t count, bool waits,
                                 bool polls_first, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_recv(entry, socket, NULL, count, waits ? 0 : MSG_DONTWAIT);
    if (waits && polls_first) entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_receive_message_once(curing_ring *self, int32_t socket, void *message, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_recvmsg(entry, socket, message, 0);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_receive(curing_ring *self, int32_t socket, void *bytes, uint32_t count, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_recv(entry, socket, bytes, count, 0);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_receive_message(curing_ring *self, int32_t socket, void *message, uint16_t group, bool multishot,
                                    uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_recvmsg(entry, socket, message, 0);
    if (multishot) entry->ioprio |= IORING_RECV_MULTISHOT;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group;
    entry->user_data = user_data;
    return true;
}

// A send that the kernel lets wait is tried again at each event of its socket. That the peer has ended its sending is one
// that lasts: after 128 vain attempts the send blocks one of the few threads that the ring may have.
bool curing_prepare_send(curing_ring *self, int32_t socket, const void *bytes, uint32_t count, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_send(entry, socket, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_send_message(curing_ring *self, int32_t socket, const void *message, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_sendmsg(entry, socket, message, MSG_NOSIGNAL | MSG_DONTWAIT);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_close(curing_ring *self, int32_t descriptor, bool elsewhere, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_close(entry, descriptor);
    if (elsewhere) entry->flags |= IOSQE_ASYNC;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_poll(curing_ring *self, int32_t descriptor, uint32_t events, bool multishot, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_poll_add(entry, descriptor, events);
    if (multishot) entry->len |= IORING_POLL_ADD_MULTI;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_read(curing_ring *self, int32_t descriptor, void *bytes, uint32_t count, int64_t offset,
                         uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_read(entry, descriptor, bytes, count, (uint64_t)offset);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_cancel(curing_ring *self, uint64_t target, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_cancel64(entry, target, 0);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_cancel_all(curing_ring *self, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    entry->user_data = user_data;
    return true;
}

// ---- Entering

static unsigned publish_submissions(struct io_uring *ring) {
    struct io_uring_sq *queue = &ring->sq;
    if (queue->sqe_head != queue->sqe_tail) {
        queue->sqe_head = queue->sqe_tail;
        io_uring_smp_store_release(queue->ktail, queue->sqe_tail);
    }
    // What an earlier enter left in the queue counts again.
    return queue->sqe_tail - *queue->khead;
}

static int32_t enter(curing_ring *self, unsigned to_submit, unsigned wait_for, unsigned flags, void *argument,
                     size_t argument_size) {
    int descriptor = self->ring.ring_fd;
    self->last_enter_flags = flags;
    if (self->descriptor_is_registered) {
        descriptor = self->ring.enter_ring_fd;
        flags |= IORING_ENTER_REGISTERED_RING;
    }
    return io_uring_enter2(descriptor, to_submit, wait_for, flags, argument, argument_size);
}

bool curing_take_unsubmitted(curing_ring *self, uint64_t *user_data) {
    struct io_uring_sq *queue = &self->ring.sq;
    unsigned head = *queue->khead;
    if (head == queue->sqe_tail) return false;
    *user_data = queue->sqes[head & queue->ring_mask].user_data;
    // No thread enters this ring any more, so its head is ours to move.
    *queue->khead = head + 1;
    return true;
}

int32_t curing_submit(curing_ring *self) {
    unsigned to_submit = publish_submissions(&self->ring);
    return to_submit == 0 ? 0 : enter(self, to_submit, 0, 0, NULL, _NSIG / 8);
}

// TASKRUN_FLAG makes the kernel say in shared memory that it has deferred work, or completions that found the queue full.
bool curing_is_quiet(const curing_ring *self) {
    const struct io_uring_sq *queue = &self->ring.sq;
    unsigned flags = *(volatile unsigned *)queue->kflags;
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0 && queue->sqe_tail == *queue->khead &&
           !curing_has_completions(self);
}

int32_t curing_submit_and_wait(curing_ring *self, int64_t timeout_ns, bool no_iowait) {
    unsigned to_submit = publish_submissions(&self->ring);
    unsigned wait_for = timeout_ns != 0 && !curing_has_completions(self) ? 1 : 0;
    // GETEVENTS always: without it DEFER_TASKRUN shows no completion, and overflown ones stay in the kernel.
    unsigned flags = IORING_ENTER_GETEVENTS;
    if (wait_for && no_iowait) flags |= CURING_ENTER_NO_IOWAIT;
    int32_t result;
    if (wait_for && timeout_ns > 0) {
        struct __kernel_timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
        struct io_uring_getevents_arg argument = {
            .sigmask_sz = _NSIG / 8,
            .ts = (uint64_t)(uintptr_t)&timeout,
        };
        result = enter(self, to_submit, wait_for, flags | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
    } else {
        result = enter(self, to_submit, wait_for, flags, NULL, _NSIG / 8);
    }
    return result == -ETIME ? 0 : result;
}

uint32_t curing_reap(curing_ring *self, curing_completion *into, uint32_t capacity) {
    struct io_uring_cq *queue = &self->ring.cq;
    unsigned head = *queue->khead;
    unsigned count = io_uring_smp_load_acquire(queue->ktail) - head;
    if (count > capacity) count = capacity;
    for (unsigned index = 0; index < count; index++) {
        memcpy(&into[index], &queue->cqes[(head + index) & queue->ring_mask], sizeof *into);
    }
    io_uring_smp_store_release(queue->khead, head + count);
    return count;
}

bool curing_has_completions(const curing_ring *self) {
    return io_uring_smp_load_acquire(self->ring.cq.ktail) != *self->ring.cq.khead;
}

// ---- Waking

int32_t curing_wake_ring(int32_t ring_descriptor, uint64_t user_data) {
    struct io_uring_sqe message;
    memset(&message, 0, sizeof message);
    message.opcode = IORING_OP_MSG_RING;
    message.fd = ring_descriptor;
    message.off = user_data;
    long result = syscall(__NR_io_uring_register, -1, RING_REGISTER_SEND_MSG_RING, &message, 1);
    return result < 0 ? -errno : 0;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
