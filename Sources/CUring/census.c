#define _GNU_SOURCE
#include "ring.h"

// Newer than liburing 2.3.
#define RING_REGISTER_PBUF_STATUS 26

int32_t curing_buffers_missing(const curing_buffers *self, const curing_ring *ring, uint16_t group) {
    // The kernel's struct io_uring_buf_status.
    struct { uint32_t group, head, reserved[8]; } status = {.group = group};
    int result = io_uring_register(ring->ring.ring_fd, RING_REGISTER_PBUF_STATUS, &status, 1);
    if (result < 0) return result;
    uint16_t given = (uint16_t)(self->entries->tail + self->unpublished - status.head);
    return (int32_t)self->used - given;
}

uint32_t curing_last_enter_flags(const curing_ring *self) { return self->last_enter_flags; }

#if defined(__clang__)
#pragma clang attribute pop
#endif
