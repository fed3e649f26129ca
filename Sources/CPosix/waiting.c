// Reads and writes that do not wait although the open file says that they may: that is a property of the open file, which
// other processes share and change.
#define _GNU_SOURCE
#include "CPosixProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PIPE_FILE_SYSTEM 0x50495045
// A terminal that says that it can be written to has room for this at least, also when each byte becomes two.
#define TERMINAL_PIECE 128

static int64_t result_or_errno(int64_t result) { return result >= 0 ? result : -errno; }

// RWF_NOWAIT is unknown to FIFOs and terminals, to any pipe before Linux 6.4, and to some sandboxes.
static bool lacks_no_wait(void) {
    return errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM || errno == EACCES || errno == EINVAL;
}

static short ready_events(int32_t descriptor, short events) {
    struct pollfd interest = {.fd = descriptor, .events = events};
    return poll(&interest, 1, 0) > 0 ? interest.revents : 0;
}

int64_t cposix_read_now(int32_t descriptor, void *bytes, uint64_t count) {
    struct iovec vector = {.iov_base = bytes, .iov_len = count};
    ssize_t result = preadv2(descriptor, &vector, 1, -1, RWF_NOWAIT);
    if (result >= 0 || !lacks_no_wait()) return result_or_errno(result);
    result = recv(descriptor, bytes, count, MSG_DONTWAIT);
    if (result >= 0 || errno != ENOTSOCK) return result_or_errno(result);
    if (ready_events(descriptor, POLLIN) == 0) return -EAGAIN;
    return result_or_errno(read(descriptor, bytes, count));
}

// As much as goes without waiting: of a pipe, one place in it; of a terminal, what fits its smallest room.
static ssize_t write_when_ready(int32_t descriptor, const struct iovec *vector, int32_t count, int flags) {
    struct msghdr message = {.msg_iov = (struct iovec *)vector, .msg_iovlen = (size_t)count};
    ssize_t result = sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result >= 0 || errno != ENOTSOCK) return result;
    int status = fcntl(descriptor, F_GETFL);
    if (status >= 0 && (status & O_NONBLOCK) != 0) return pwritev2(descriptor, vector, count, -1, flags);
    if (ready_events(descriptor, POLLOUT) == 0) {
        errno = EAGAIN;
        return -1;
    }
    struct stat kind;
    if (fstat(descriptor, &kind) < 0) return -1;
    const size_t limit = S_ISFIFO(kind.st_mode) ? PIPE_BUF : TERMINAL_PIECE;
    while (count > 1 && vector->iov_len == 0) vector++, count--;
    struct iovec piece = *vector;
    if (piece.iov_len > limit) piece.iov_len = limit;
    return flags == 0 ? writev(descriptor, &piece, 1) : pwritev2(descriptor, &piece, 1, -1, flags);
}

static int64_t write_now(int32_t descriptor, const struct iovec *vector, int32_t count, int flags) {
    ssize_t result = pwritev2(descriptor, vector, count, -1, RWF_NOWAIT | flags);
    if (result < 0 && lacks_no_wait()) result = write_when_ready(descriptor, vector, count, flags);
    return result_or_errno(result);
}

int64_t cposix_write_now(int32_t descriptor, const void *vector, int32_t count, bool use_flag) {
    if (use_flag && cposix_has_quiet_writes()) return write_now(descriptor, vector, count, CPOSIX_QUIET_WRITE);
    cposix_pipe_signal held = cposix_hold_pipe_signal();
    int64_t result = write_now(descriptor, vector, count, 0);
    cposix_release_pipe_signal(held);
    return result;
}

// ---- Adopting what others may share

bool cposix_pipes_know_no_wait(void) {
    static _Atomic int32_t known = -1;
    int32_t answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer >= 0) return answer == 1;
    int32_t ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return false;
    char byte;
    struct iovec vector = {.iov_base = &byte, .iov_len = 1};
    answer = preadv2(ends[0], &vector, 1, -1, RWF_NOWAIT) < 0 && errno == EAGAIN;
    close(ends[0]);
    close(ends[1]);
    atomic_store_explicit(&known, answer, memory_order_relaxed);
    return answer == 1;
}

// Opens what a descriptor stands for once more: an open file of its own, whose flags nobody shares.
static int32_t reopen(int32_t descriptor, int flags) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    const int kept = flags & (O_ACCMODE | O_APPEND | O_DIRECT);
    return (int32_t)result_or_errno(open(path, kept | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

static bool is_anonymous_pipe(int32_t descriptor) {
    struct statfs system;
    return fstatfs(descriptor, &system) == 0 && system.f_type == PIPE_FILE_SYSTEM;
}

// Not a master: to open that once more is to make another terminal.
static bool is_terminal(int32_t descriptor) {
    unsigned number;
    return isatty(descriptor) && ioctl(descriptor, TIOCGPTN, &number) != 0;
}

int32_t cposix_adopt_pipe(int32_t descriptor, cposix_adopted_pipe *adopted) {
    *adopted = (cposix_adopted_pipe){.descriptor = descriptor};
    struct stat status;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fstat(descriptor, &status) < 0) return -errno;
    if (S_ISSOCK(status.st_mode)) return 0;
    if (S_ISFIFO(status.st_mode)) {
        const bool knows = cposix_pipes_know_no_wait();
        if ((flags & O_NONBLOCK) != 0 || (knows && is_anonymous_pipe(descriptor))) return 0;
        // The end that a FIFO has seen is forgotten where it is opened once more.
        const bool is_over = (ready_events(descriptor, POLLIN) & (POLLIN | POLLHUP)) == POLLHUP;
        const int32_t own = is_over ? -EAGAIN : reopen(descriptor, flags);
        if (own >= 0) adopted->descriptor = own;
        // Without readers a write says so at once, and whatever else keeps it from being opened, a wait comes before each try.
        if (own >= 0 || knows) return 0;
    } else if (is_terminal(descriptor)) {
        const int32_t own = reopen(descriptor, flags);
        if (own >= 0) adopted->descriptor = own;
        if (own >= 0) return 0;
    }
    if ((flags & O_NONBLOCK) != 0) return 0;
    adopted->was_blocking = true;
    return (int32_t)result_or_errno(fcntl(descriptor, F_SETFL, flags | O_NONBLOCK));
}

int32_t cposix_lend_blocking(int32_t descriptor) {
    struct stat status;
    int flags = fcntl(descriptor, F_GETFL);
    // What is not open is not lent, and a file knows no such difference.
    if (flags < 0 || (flags & (O_NONBLOCK | O_PATH)) != O_NONBLOCK || fstat(descriptor, &status) < 0) return -1;
    if (S_ISFIFO(status.st_mode) || is_terminal(descriptor)) {
        const int32_t own = reopen(descriptor, flags);
        if (own >= 0 && fcntl(own, F_SETFL, fcntl(own, F_GETFL) & ~O_NONBLOCK) == 0) {
            // Not among the first three, where it could be overwritten before it is copied.
            const int32_t lent = own > 2 ? own : fcntl(own, F_DUPFD_CLOEXEC, 3);
            if (lent != own) close(own);
            if (lent >= 0) return lent;
        } else if (own >= 0) {
            close(own);
        }
    }
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK);
    return -1;
}

// ---- What files are

int32_t cposix_file_nature(int32_t descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) < 0) return -errno;
    switch (status.st_mode & S_IFMT) {
    case S_IFREG:
        // What is to be waited for poses as an empty file: the kernel's logs and traces.
        if (status.st_size > 0 || cposix_check_watchable(descriptor) != 0) return CPOSIX_NATURE_REGULAR;
        return CPOSIX_NATURE_REGULAR | CPOSIX_NATURE_WAITS;
    case S_IFDIR:
    case S_IFBLK: return 0;
    case S_IFLNK: return CPOSIX_NATURE_LINK;
    case S_IFIFO: return CPOSIX_NATURE_FIFO | CPOSIX_NATURE_WAITS | CPOSIX_NATURE_STREAM;
    case S_IFSOCK: return CPOSIX_NATURE_SOCKET | CPOSIX_NATURE_WAITS | CPOSIX_NATURE_STREAM;
    case S_IFCHR:
        if (cposix_check_watchable(descriptor) == -EPERM) return 0;
        return CPOSIX_NATURE_DEVICE | CPOSIX_NATURE_WAITS | (lseek(descriptor, 0, SEEK_CUR) < 0 ? CPOSIX_NATURE_STREAM : 0);
    default:
        if (cposix_check_watchable(descriptor) == -EPERM) return 0;
        return CPOSIX_NATURE_WAITS | CPOSIX_NATURE_STREAM;
    }
}

int32_t cposix_fifo_has_writer(int32_t fifo) {
    if (ready_events(fifo, POLLIN) != 0) return 1;
    // A writer that has written nothing makes no event. But it makes the difference between nothing yet and nothing more, which
    // tee tells without taking anything.
    int32_t scratch[2];
    if (pipe2(scratch, O_CLOEXEC | O_NONBLOCK) < 0) return -errno;
    ssize_t count = tee(fifo, scratch[1], 1, SPLICE_F_NONBLOCK);
    const bool has_writer = count > 0 || (count < 0 && errno == EAGAIN);
    close(scratch[0]);
    close(scratch[1]);
    return has_writer;
}

bool cposix_is_reader_gone(int32_t pipe) { return (ready_events(pipe, 0) & POLLERR) != 0; }
