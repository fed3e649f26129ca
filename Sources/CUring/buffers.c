#define _GNU_SOURCE
#include "CUring.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "ring.h"

// Newer than liburing 2.3.
#define RING_BUFFERS_INCREMENTAL 2

// The kernel's `flags` of io_uring_buf_reg is liburing 2.3's `pad`.
_Static_assert(offsetof(struct io_uring_buf_reg, pad) == 14, "buffer registration layout");

static void *map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

curing_buffers *curing_buffers_create(uint32_t count, uint32_t size) {
    curing_buffers *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->count = count;
    self->size = size;
    self->entries_size = count * sizeof(struct io_uring_buf);
    self->memory_size = (size_t)count * size;
    self->entries = map(self->entries_size);
    self->memory = map(self->memory_size);
    // The kernel keeps the pages of the entries that it was shown: a copy-on-write after a fork would part us from them. A
    // child finds zeros, and harms nobody when it gives back the buffer that it was called with. The buffers themselves are
    // memory like any other: a callback that forks goes on reading in the child what it was given.
    if (self->entries) madvise(self->entries, self->entries_size, MADV_WIPEONFORK);
    if (self->entries && self->memory) return self;
    curing_buffers_destroy(self);
    return NULL;
}

int32_t curing_buffers_register(
    curing_buffers *self, curing_ring *ring, uint16_t group, uint32_t first_count, bool incremental
) {
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)self->entries,
        .ring_entries = self->count,
        .bgid = group,
        .pad = incremental ? RING_BUFFERS_INCREMENTAL : 0,
    };
    int result = io_uring_register_buf_ring(&ring->ring, &registration, 0);
    if (result < 0) return result;
    io_uring_buf_ring_init(self->entries);
    for (uint32_t number = 0; number < first_count; number++) curing_buffers_recycle(self, (uint16_t)number);
    curing_buffers_publish(self);
    return 0;
}

void curing_buffers_destroy(curing_buffers *self) {
    if (self->entries) munmap(self->entries, self->entries_size);
    if (self->memory) munmap(self->memory, self->memory_size);
    free(self);
}

void *curing_buffers_base(const curing_buffers *self) { return self->memory; }

void curing_buffers_recycle(curing_buffers *self, uint16_t number) {
    io_uring_buf_ring_add(self->entries, self->memory + (size_t)number * self->size, self->size, number,
                          io_uring_buf_ring_mask(self->count), self->unpublished);
    self->unpublished++;
    if (number >= self->used) self->used = (uint32_t)number + 1;
}

void curing_buffers_publish(curing_buffers *self) {
    if (self->unpublished == 0) return;
    io_uring_buf_ring_advance(self->entries, self->unpublished);
    self->unpublished = 0;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
