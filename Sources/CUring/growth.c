// Larger queues for a ring that is in use.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ring.h"

// Newer than liburing 2.3.
#define RING_REGISTER_RESIZE_RINGS 33

_Static_assert(sizeof(struct io_uring_params) == 120, "parameters layout");

bool curing_can_grow(const curing_ring *self) {
    if (!self->order_is_known) return false;
    // A kernel that knows the call fails to read what nobody has mapped (or, some, wants the ring enabled first).
    int result = io_uring_register(self->ring.ring_fd, RING_REGISTER_RESIZE_RINGS, (void *)8, 1);
    return result == -EFAULT || result == -EEXIST;
}

bool curing_has_overflown(const curing_ring *self) {
    return (*(volatile unsigned *)self->ring.sq.kflags & IORING_SQ_CQ_OVERFLOW) != 0;
}

static void unmap_queues(struct io_uring *ring) {
    munmap(ring->sq.sqes, ring->sq.ring_entries * sizeof(struct io_uring_sqe));
    munmap(ring->sq.ring_ptr, ring->sq.ring_sz);
    if (ring->cq.ring_ptr && ring->cq.ring_ptr != ring->sq.ring_ptr) munmap(ring->cq.ring_ptr, ring->cq.ring_sz);
}

// Asks the kernel for other queues and maps them. -ENODEV: it has made them, and there is no room to map them.
static int replace_queues(struct io_uring *ring, unsigned submission_entries, unsigned completion_entries) {
    struct io_uring_params wanted = {
        .sq_entries = submission_entries,
        .cq_entries = completion_entries,
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
    };
    int result = io_uring_register(ring->ring_fd, RING_REGISTER_RESIZE_RINGS, &wanted, 1);
    if (result < 0) return result;
    wanted.features = ring->features;
    if (wanted.sq_off.array == 0) wanted.sq_off.array = curing_order_offset(&wanted);
    struct io_uring larger;
    if (io_uring_queue_mmap(ring->ring_fd, &wanted, &larger) < 0) return -ENODEV;
    curing_order_submissions(&larger);
    // Nothing is prepared that the kernel has not seen: that is the caller's word.
    larger.sq.sqe_head = ring->sq.sqe_head;
    larger.sq.sqe_tail = ring->sq.sqe_tail;
    unmap_queues(ring);
    ring->sq = larger.sq;
    ring->cq = larger.cq;
    return 0;
}

// Whether this process has room for so many bytes: after the kernel has given a ring other queues there is no way back to
// the old ones.
static bool has_room(size_t size) {
    void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return false;
    munmap(room, size);
    return true;
}

int32_t curing_grow(curing_ring *self, const curing_parameters *parameters) {
    struct io_uring *ring = &self->ring;
    if (ring->sq.sqe_tail != *ring->sq.khead) return -EAGAIN;
    // The kernel copies completions that were not looked at, but none when their numbers begin anew in between.
    if (*ring->cq.khead > io_uring_smp_load_acquire(ring->cq.ktail)) return -EAGAIN;
    size_t submissions = parameters->submission_entries, completions = parameters->completion_entries;
    // The queues' heads and the kernel's rounding up to pages and to powers of two included.
    size_t size = submissions * 2 * (sizeof(struct io_uring_sqe) + sizeof(unsigned)) + completions * 2 * sizeof(struct io_uring_cqe);
    if (!has_room(size + (1 << 16))) return -ENOMEM;
    int result = replace_queues(ring, parameters->submission_entries, parameters->completion_entries);
    if (result < 0) return result;
    // What a fork inherits is not what the ring is about; without this it would only inherit more.
    io_uring_ring_dontfork(ring);
    return 0;
}

// The kernel's own threads and interrupts set a flag in the queues whenever there is work for the ring. Before this was mended
// they could do so, while queues were being replaced, in memory that was none any more, which ends the whole machine. Mended
// kernels set the flags that could have been missed, the one for SQPOLL among them, which nothing else sets on such a ring.
int32_t curing_growth_is_safe(void) {
    curing_ring self = {0};
    struct io_uring_params wanted = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE,
        .cq_entries = 2,
    };
    int result = io_uring_queue_init_params(1, &self.ring, &wanted);
    if (result < 0) return result;
    self.ring.features = wanted.features;
    result = replace_queues(&self.ring, 2, 4);
    if (result == 0) result = (*(volatile unsigned *)self.ring.sq.kflags & IORING_SQ_NEED_WAKEUP) != 0;
    io_uring_queue_exit(&self.ring);
    return result;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
