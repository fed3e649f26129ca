// What a socket's error queue holds, and what a descriptor is ready for now.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
// After the headers above, whose types it needs.
#include <linux/errqueue.h>

#include "CPosix.h"

// Newer than some headers.
enum { origin_transmit_time = 6 };

static int option(int32_t socket, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Other families and SCTP pass over MSG_ERRQUEUE: to ask them would take what the peer has sent.
static bool has_error_queue(int32_t socket) {
    const int family = option(socket, SO_DOMAIN);
    return (family == AF_INET || family == AF_INET6) && option(socket, SO_PROTOCOL) != IPPROTO_SCTP;
}

static void note(const struct sock_extended_err *entry, cposix_queued_error *taken) {
    switch (entry->ee_origin) {
    case SO_EE_ORIGIN_LOCAL: taken->is_local = true; break;
    case SO_EE_ORIGIN_ICMP:
    case SO_EE_ORIGIN_ICMP6:
    case origin_transmit_time: break;
    // Notes of times and of buffers that are free again.
    default: return;
    }
    taken->error = (int32_t)entry->ee_errno;
}

int32_t cposix_take_queued_error(int32_t socket, cposix_queued_error *taken) {
    memset(taken, 0, sizeof *taken);
    if (!has_error_queue(socket)) return 0;
    // Room for an entry with the address of who reported it, and for the times and numbers that come along.
    union {
        struct cmsghdr header;
        uint8_t bytes[512];
    } control;
    struct msghdr message = {
        .msg_name = taken->address,
        .msg_namelen = sizeof taken->address,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t result;
    do {
        result = recvmsg(socket, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return 0;
    taken->address_length = message.msg_namelen;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        const bool is_entry = (part->cmsg_level == SOL_IP && part->cmsg_type == IP_RECVERR) ||
                              (part->cmsg_level == SOL_IPV6 && part->cmsg_type == IPV6_RECVERR);
        if (!is_entry || part->cmsg_len < CMSG_LEN(sizeof(struct sock_extended_err))) continue;
        struct sock_extended_err entry;
        memcpy(&entry, CMSG_DATA(part), sizeof entry);
        note(&entry, taken);
    }
    return 1;
}

int32_t cposix_poll_now(int32_t descriptor, int32_t events) {
    struct pollfd look = {.fd = descriptor, .events = (short)events};
    return poll(&look, 1, 0) > 0 ? look.revents : 0;
}
