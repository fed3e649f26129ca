#define _GNU_SOURCE
#include <sys/wait.h>

#include "ring.h"

// Newer than liburing 2.3.
#define RING_OP_READ_MULTISHOT 49
#define RING_OP_WAITID 50
#define RING_OP_LISTEN 57

static bool has_operation(curing_ring *self, int operation) {
    struct io_uring_probe *probe = io_uring_get_probe_ring(&self->ring);
    if (!probe) return false;
    bool supported = io_uring_opcode_supported(probe, operation);
    io_uring_free_probe(probe);
    return supported;
}

bool curing_has_multishot_read(curing_ring *self) { return has_operation(self, RING_OP_READ_MULTISHOT); }
bool curing_has_wait_free_accept(curing_ring *self) { return has_operation(self, RING_OP_LISTEN); }
bool curing_has_child_waits(curing_ring *self) { return has_operation(self, RING_OP_WAITID); }

bool curing_prepare_child_wait(curing_ring *self, int32_t pid, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    // The kernel's io_uring_prep_waitid: the kind of name in `len`, the options in `file_index`, no siginfo in `addr2`.
    io_uring_prep_rw(RING_OP_WAITID, entry, pid, NULL, P_PID, 0);
    entry->file_index = WEXITED | WNOWAIT;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_pipe_read(curing_ring *self, int32_t pipe, uint32_t count, uint16_t group, bool multishot,
                              uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    // A multishot read takes no length of its own, and a single one is cut to its buffer's.
    io_uring_prep_read(entry, pipe, NULL, multishot ? 0 : count, (uint64_t)-1);
    if (multishot) entry->opcode = RING_OP_READ_MULTISHOT;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_pipe_write(curing_ring *self, int32_t pipe, const void *bytes, uint32_t count, uint32_t flags,
                               uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_write(entry, pipe, bytes, count, (uint64_t)-1);
    entry->rw_flags = (int)flags;
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_pipe_write_vector(curing_ring *self, int32_t pipe, const void *vector, uint32_t count, uint32_t flags,
                                      uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_writev(entry, pipe, vector, count, (uint64_t)-1);
    entry->rw_flags = (int)flags;
    entry->user_data = user_data;
    return true;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
