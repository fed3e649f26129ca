// The provided buffers that multishot receives fill.
//
// On kernel 6.12 and newer a buffer is large and consumed piece by piece by whatever arrives next, on any connection;
// before that each arrival takes a whole one. Either way it goes back when the kernel is done with it and every piece
// of it has been sent or copied.
#ifndef CSERVE_BUFFERS_H
#define CSERVE_BUFFERS_H

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ring.h"

enum { buffer_group = 0, buffer_count_max = 512 };

struct buffers {
    struct io_uring_buf_ring *ring;
    uint8_t *base;
    unsigned size;
    unsigned count;         // populated so far; more are added when receives run dry
    bool incremental;
    unsigned added;         // put back in this turn, not yet shown to the kernel
    uint32_t offset[buffer_count_max];      // where the kernel writes next
    uint32_t references[buffer_count_max];  // one while the kernel has it, one for each unsent piece
};

static struct buffers buffers;

static inline void buffer_provide(unsigned id) {
    buffers.offset[id] = 0;
    buffers.references[id] = 1;
    io_uring_buf_ring_add(buffers.ring, buffers.base + (size_t)id * buffers.size, buffers.size, (unsigned short)id,
                          buffer_count_max - 1, (int)buffers.added++);
}

static inline void buffers_flush(void) {
    if (buffers.added == 0) return;
    io_uring_buf_ring_advance(buffers.ring, (int)buffers.added);
    buffers.added = 0;
}

static inline bool buffers_grow(void) {
    if (buffers.count == buffer_count_max) return false;
    buffer_provide(buffers.count++);
    return true;
}

static inline void buffer_release(unsigned id) {
    if (--buffers.references[id] == 0) buffer_provide(id);
}

static inline bool buffers_own(const uint8_t *bytes) {
    return (size_t)(bytes - buffers.base) < (size_t)buffer_count_max * buffers.size;
}

static inline unsigned buffer_id(const uint8_t *bytes) {
    return (unsigned)((size_t)(bytes - buffers.base) / buffers.size);
}

static inline void set_up_buffers(unsigned count, unsigned size) {
    buffers.size = size;
    const int protection = PROT_READ | PROT_WRITE, kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    const size_t ring_bytes = buffer_count_max * sizeof(struct io_uring_buf);
    buffers.ring = mmap(NULL, ring_bytes, protection, kind, -1, 0);
    buffers.base = mmap(NULL, (size_t)buffer_count_max * size, protection, kind, -1, 0);
    if (buffers.ring == MAP_FAILED || buffers.base == MAP_FAILED) cserve_fail("mmap", errno);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)buffers.ring,
        .ring_entries = buffer_count_max,
        .bgid = buffer_group,
        .pad = IOU_PBUF_RING_INC,  // newer headers call this field `flags`
    };
    buffers.incremental = true;
    int problem = io_uring_register_buf_ring(&ring, &registration, 0);
    if (problem == -EINVAL) {
        buffers.incremental = false;
        registration.pad = 0;
        problem = io_uring_register_buf_ring(&ring, &registration, 0);
    }
    if (problem < 0) cserve_fail("io_uring_register_buf_ring", -problem);
    while (buffers.count < count) buffers_grow();
    buffers_flush();
}

#endif
