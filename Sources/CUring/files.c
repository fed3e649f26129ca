// Submissions for files.
#define _GNU_SOURCE
#include <fcntl.h>

#include "ring.h"

bool curing_prepare_write(curing_ring *self, int32_t descriptor, const void *bytes, uint32_t count, int64_t offset,
                          uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_write(entry, descriptor, bytes, count, (uint64_t)offset);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_open(curing_ring *self, const char *path, int32_t flags, uint32_t mode, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_openat(entry, AT_FDCWD, path, flags, mode);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_fsync(curing_ring *self, int32_t descriptor, bool data_only, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_fsync(entry, descriptor, data_only ? IORING_FSYNC_DATASYNC : 0);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_statx(curing_ring *self, int32_t descriptor, uint32_t mask, void *status, uint64_t user_data) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
    if (!entry) return false;
    io_uring_prep_statx(entry, descriptor, "", AT_EMPTY_PATH, mask, status);
    entry->user_data = user_data;
    return true;
}

bool curing_prepare_splices(curing_ring *self, const curing_splice *moves, uint32_t count) {
    // A link at the end of the queue would bind the move to a stranger's submission.
    if (io_uring_sq_space_left(&self->ring) < count) return false;
    for (uint32_t index = 0; index < count; index++) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);
        const curing_splice *move = &moves[index];
        io_uring_prep_splice(entry, move->from, move->from_offset, move->to, -1, move->count, 0);
        if (index + 1 < count) entry->flags |= IOSQE_IO_LINK;
        entry->user_data = move->user_data;
    }
    return true;
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
