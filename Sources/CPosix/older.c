// The older twins of calls that a sandbox may not know.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "refusal.h"

static int set_flags(int descriptor, bool non_blocking) {
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -1;
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    const int wanted = non_blocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : fcntl(descriptor, F_SETFL, wanted);
}

int cposix_older_pipe(int ends[2], bool non_blocking) {
#ifdef SYS_pipe
    // The C library's pipe(3) may be the newer call itself.
    if (syscall(SYS_pipe, ends) < 0) return -1;
#else
    (void)non_blocking;
    errno = ENOSYS;
    return -1;
#endif
    if (set_flags(ends[0], non_blocking) == 0 && set_flags(ends[1], non_blocking) == 0) return 0;
    const int failure = errno;
    close(ends[0]);
    close(ends[1]);
    errno = failure;
    return -1;
}

int cposix_older_eventfd(void) {
#ifdef SYS_eventfd
    const int descriptor = (int)syscall(SYS_eventfd, 0);
    if (descriptor >= 0) set_flags(descriptor, true);
    return descriptor;
#else
    errno = ENOSYS;
    return -1;
#endif
}

static struct statx_timestamp timestamp(struct timespec time) {
    return (struct statx_timestamp){.tv_sec = time.tv_sec, .tv_nsec = (uint32_t)time.tv_nsec};
}

int cposix_older_status(int descriptor, void *raw) {
    struct stat found;
    if (fstat(descriptor, &found) < 0) return -errno;
    const struct statx status = {
        // All but the time of birth and the alignment of direct I/O.
        .stx_mask = STATX_BASIC_STATS,
        .stx_blksize = (uint32_t)found.st_blksize,
        .stx_nlink = (uint32_t)found.st_nlink,
        .stx_uid = found.st_uid,
        .stx_gid = found.st_gid,
        .stx_mode = (uint16_t)found.st_mode,
        .stx_ino = found.st_ino,
        .stx_size = (uint64_t)found.st_size,
        .stx_blocks = (uint64_t)found.st_blocks,
        .stx_atime = timestamp(found.st_atim),
        .stx_ctime = timestamp(found.st_ctim),
        .stx_mtime = timestamp(found.st_mtim),
        .stx_dev_major = major(found.st_dev),
        .stx_dev_minor = minor(found.st_dev),
    };
    memcpy(raw, &status, sizeof status);
    return 0;
}

// How often one looks, in nanoseconds.
enum { look_interval = 5000000 };

int cposix_make_clock(void) {
    const int clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (clock >= 0) cposix_look_later(clock);
    return clock;
}

void cposix_look_later(int descriptor) {
    const struct itimerspec next = {.it_value = {.tv_nsec = look_interval}};
    // Of what is no clock the kernel says EINVAL, or EBADF.
    timerfd_settime(descriptor, 0, &next, NULL);
}

int cposix_older_accept(int listener, void *address, unsigned *length, bool non_blocking) {
    // What was refused may have been a connection, and the listener block without another one.
    struct pollfd look = {.fd = listener, .events = POLLIN};
    if (poll(&look, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    const int descriptor = accept(listener, address, length);
    if (descriptor >= 0) set_flags(descriptor, non_blocking);
    return descriptor;
}
