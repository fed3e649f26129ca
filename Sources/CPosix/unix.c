#define _GNU_SOURCE
#include "CPosixUnix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

// Newer than the headers of Debian 12.
#define IOCTL_UNIX_FILE 0x89e0
#define CALL_FCHMODAT2 452

static inline int32_t result_or_errno(int result) { return result >= 0 ? result : -errno; }

// ---- Files

int32_t cposix_open_folder(const char *path) { return result_or_errno(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)); }

static cposix_file_identity identity_of(const struct stat *status) {
    return (cposix_file_identity){
        .device = status->st_dev, .inode = status->st_ino, .is_socket = S_ISSOCK(status->st_mode)
    };
}

static bool is_same(cposix_file_identity one, cposix_file_identity other) {
    return one.device == other.device && one.inode == other.inode && one.is_socket == other.is_socket;
}

int32_t cposix_file_identity_in(int32_t folder, const char *name, cposix_file_identity *found) {
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0) return errno == ENOENT ? 0 : -errno;
    *found = identity_of(&status);
    return 1;
}

int32_t cposix_remove_file_in(int32_t folder, const char *name, cposix_file_identity file) {
    cposix_file_identity found;
    const int32_t result = cposix_file_identity_in(folder, name, &found);
    if (result <= 0) return result == 0 ? -ENOENT : result;
    if (!is_same(found, file)) return -ESTALE;
    return result_or_errno(unlinkat(folder, name, 0));
}

static int32_t set_mode(int32_t file, uint32_t mode) {
    if (syscall(CALL_FCHMODAT2, file, "", mode, AT_EMPTY_PATH) == 0) return 0;
    // A kernel before 6.6, or a filter that does not know the call.
    if (errno != ENOSYS && errno != EPERM && errno != EACCES) return -errno;
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return result_or_errno(chmod(path, mode));
}

int32_t cposix_set_file_mode_in(int32_t folder, const char *name, cposix_file_identity file, uint32_t mode) {
    const int opened = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0) return -errno;
    struct stat status;
    int32_t result = result_or_errno(fstat(opened, &status));
    if (result == 0 && !is_same(identity_of(&status), file)) result = -ESTALE;
    if (result == 0 && (status.st_mode & 07777) != mode) result = set_mode(opened, mode);
    close(opened);
    return result;
}

int32_t cposix_set_socket_mode(int32_t socket, uint32_t mode) { return result_or_errno(fchmod(socket, mode)); }

// ---- Which file a socket is bound to

// The lower half of the inode of the file that a socket is bound to, as ss(8) asks for it.
static int32_t ask_bound_inode(int32_t bound, uint32_t *inode) {
    struct stat status;
    if (fstat(bound, &status) < 0) return -errno;
    const int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (kernel < 0) return -errno;
    struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request = {
        .header = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {
            .sdiag_family = AF_UNIX,
            .udiag_states = UINT32_MAX,
            .udiag_ino = (uint32_t)status.st_ino,
            .udiag_show = UDIAG_SHOW_VFS,
            .udiag_cookie = {UINT32_MAX, UINT32_MAX},
        },
    };
    // The kernel answers before the send returns.
    union {
        struct nlmsghdr header;
        char bytes[512];
    } answer;
    ssize_t length = send(kernel, &request, sizeof request, 0);
    if (length >= 0) length = recv(kernel, &answer, sizeof answer, MSG_DONTWAIT);
    const int failure = errno;
    close(kernel);
    if (length < 0) return -failure;
    if (!NLMSG_OK(&answer.header, (uint32_t)length) || answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY) return -ENOENT;
    int32_t left = (int32_t)answer.header.nlmsg_len - (int32_t)NLMSG_SPACE(sizeof(struct unix_diag_msg));
    const char *position = answer.bytes + NLMSG_SPACE(sizeof(struct unix_diag_msg));
    for (const struct rtattr *part = (const void *)position; RTA_OK(part, left); part = RTA_NEXT(part, left)) {
        struct unix_diag_vfs file;
        if (part->rta_type != UNIX_DIAG_VFS || RTA_PAYLOAD(part) < sizeof file) continue;
        memcpy(&file, RTA_DATA(part), sizeof file);
        *inode = file.udiag_vfs_ino;
        return 0;
    }
    return -ENOENT;
}

int32_t cposix_is_bound_to(int32_t socket, cposix_file_identity file) {
    // The exact answer is for the privileged.
    const int opened = ioctl(socket, IOCTL_UNIX_FILE, 0);
    if (opened >= 0) {
        struct stat status;
        const int32_t result = result_or_errno(fstat(opened, &status));
        close(opened);
        return result < 0 ? result : is_same(identity_of(&status), file);
    }
    uint32_t inode;
    const int32_t result = ask_bound_inode(socket, &inode);
    return result < 0 ? result : inode == (uint32_t)file.inode;
}

// ---- Sockets

int32_t cposix_unix_address_is_alive(const void *address, uint32_t length) {
    // Who is no datagram socket refuses this one before anything comes of it, and who is one hears nothing of a connect.
    const int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0) return -errno;
    const int result = connect(probe, address, length);
    const int failure = errno;
    close(probe);
    if (result == 0) return 1;
    return failure != ECONNREFUSED && failure != ENOENT;
}

int32_t cposix_stream_state(int32_t socket) {
    int is_listening = 0;
    socklen_t size = sizeof is_listening;
    if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) < 0) return -errno;
    if (is_listening) return CPOSIX_LISTENING;
    struct sockaddr_storage peer;
    size = sizeof peer;
    if (getpeername(socket, (struct sockaddr *)&peer, &size) == 0) return CPOSIX_CONNECTED;
    if (errno != ENOTCONN) return -errno;
    // A connection that was reset has no peer either, but an end that can be read.
    struct pollfd interest = {.fd = socket, .events = POLLIN | POLLRDHUP};
    if (poll(&interest, 1, 0) < 0) return -errno;
    return interest.revents & (POLLIN | POLLRDHUP) ? CPOSIX_CONNECTED : CPOSIX_UNCONNECTED;
}

int32_t cposix_peer_credentials(int32_t socket, int32_t *process, uint32_t *user, uint32_t *group) {
    int family = 0;
    socklen_t size = sizeof family;
    if (getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0) return -errno;
    struct ucred found;
    size = sizeof found;
    if (family != AF_UNIX) return 0;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &found, &size) < 0) return -errno;
    if (found.uid == (uid_t)-1) return 0;
    *process = found.pid;
    *user = found.uid;
    *group = found.gid;
    return 1;
}
