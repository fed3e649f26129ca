#define _GNU_SOURCE
#include "CPosix.h"
#include "CPosixProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stddef.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

#include "refusal.h"

// The kernel's headers and not glibc's: those may be older than the fields.
_Static_assert(sizeof(struct statx) == CPOSIX_STATUS_SIZE, "the size of a struct statx");
_Static_assert(CPOSIX_STATUS_MASK == (STATX_BASIC_STATS | STATX_BTIME | STATX_DIOALIGN), "what is asked of statx");

static inline int32_t result_or_errno(int result) { return result >= 0 ? result : -errno; }

int32_t cposix_direct_flag(void) { return O_DIRECT; }
int32_t cposix_path_flag(void) { return O_PATH; }

int32_t cposix_statx(int32_t descriptor, void *raw) {
    if (syscall(SYS_statx, descriptor, "", AT_EMPTY_PATH, CPOSIX_STATUS_MASK, raw) == 0) return 0;
    return cposix_may_lack_call(errno) ? cposix_older_status(descriptor, raw) : -errno;
}

static int64_t nanoseconds(struct statx_timestamp time) { return time.tv_sec * 1000000000 + time.tv_nsec; }

void cposix_read_status(const void *raw, cposix_file_status *status) {
    struct statx found;
    memcpy(&found, raw, sizeof found);
    const bool has_alignment = (found.stx_mask & STATX_DIOALIGN) != 0;
    *status = (cposix_file_status){
        .mode = found.stx_mode,
        .link_count = found.stx_nlink,
        .user = found.stx_uid,
        .group = found.stx_gid,
        .block_size = found.stx_blksize,
        .direct_memory_alignment = has_alignment ? found.stx_dio_mem_align : 0,
        .direct_offset_alignment = has_alignment ? found.stx_dio_offset_align : 0,
        .has_birth_time = (found.stx_mask & STATX_BTIME) != 0,
        .inode = found.stx_ino,
        .device = makedev(found.stx_dev_major, found.stx_dev_minor),
        .size = (int64_t)found.stx_size,
        // Blocks of 512 bytes, whatever the file system's own are.
        .allocated_bytes = (int64_t)found.stx_blocks * 512,
        .access_time_ns = nanoseconds(found.stx_atime),
        .change_time_ns = nanoseconds(found.stx_ctime),
        .modification_time_ns = nanoseconds(found.stx_mtime),
        .birth_time_ns = nanoseconds(found.stx_btime),
    };
}

int64_t cposix_sendfile(int32_t socket, int32_t file, int64_t *offset, uint64_t count) {
    // There is no MSG_NOSIGNAL for this call. It may raise the signal also when it returns a count, of what was sent before
    // the connection was found broken.
    cposix_pipe_signal held = cposix_hold_pipe_signal();
    const ssize_t sent = sendfile(socket, file, offset, count);
    const int64_t result = sent >= 0 ? sent : -errno;
    cposix_release_pipe_signal(held);
    return result;
}

int32_t cposix_pipe(int32_t ends[2], int32_t wanted) {
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        if (!cposix_may_lack_call(errno) || cposix_older_pipe(ends, true) < 0) return -errno;
    }
    // Refused to users who have many large pipes already, and then the size stays.
    if (fcntl(ends[1], F_SETPIPE_SZ, wanted) < 0) {
        const int size = fcntl(ends[1], F_GETPIPE_SZ);
        return size > 0 ? size : 4096;
    }
    return fcntl(ends[1], F_GETPIPE_SZ);
}

int32_t cposix_exchange_send_timeout(int32_t socket, int64_t microseconds, int64_t *previous) {
    struct timeval time;
    socklen_t size = sizeof time;
    if (getsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, &size) < 0) return -errno;
    *previous = (int64_t)time.tv_sec * 1000000 + time.tv_usec;
    if (*previous == microseconds) return 0;
    time = (struct timeval){.tv_sec = microseconds / 1000000, .tv_usec = microseconds % 1000000};
    return result_or_errno(setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
}
