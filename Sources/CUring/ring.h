// What the C files share: a ring, and liburing. Each file that includes this ends with the attribute's pop.
#ifndef CURING_RING_H
#define CURING_RING_H

#include "CUring.h"

// Without the thread sanitizer, liburing's inline functions included. Rings are memory that is shared with the kernel, which
// it does not see; liburing maps and unmaps them by system calls of its own, which it does not see either, and it then
// takes the next ring at the same address for the last one. The one-thread rule of CUring.h is what keeps them safe.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)
#endif
#include <liburing.h>

struct curing_ring {
    struct io_uring ring;
    bool descriptor_is_registered;
    // Whether curing_order_offset is right for this kernel.
    bool order_is_known;
    // Those of the last enter, for tests.
    unsigned last_enter_flags;
};

// Where the order of submissions stands among the queues: behind the completions, at a cache line's start. A kernel that gives a
// ring other queues does not always say it anew.
static inline unsigned curing_order_offset(const struct io_uring_params *parameters) {
    size_t end = parameters->cq_off.cqes + parameters->cq_entries * sizeof(struct io_uring_cqe);
    return (unsigned)((end + 63) / 64 * 64);
}

// Submission order is array order for good: publishing is then one store.
static inline void curing_order_submissions(struct io_uring *ring) {
    for (unsigned index = 0; index < ring->sq.ring_entries; index++) ring->sq.array[index] = index;
}

struct curing_buffers {
    struct io_uring_buf_ring *entries;
    size_t entries_size;
    char *memory;
    size_t memory_size;
    uint32_t count;
    uint32_t size;
    // One more than the highest number that the kernel was given.
    uint32_t used;
    int32_t unpublished;
};

#endif
