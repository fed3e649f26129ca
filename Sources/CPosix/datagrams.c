// Sending datagrams: many by one call, and those that follow each other to one destination as one.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "CPosix.h"
#include "refusal.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    batch_max = 64,
    // What every kernel with UDP_SEGMENT (4.18) takes as one: datagrams, and bytes of IPv4 or IPv6 with their headers.
    run_datagrams_max = 64,
    run_bytes_max = 65000,
};

// How long each datagram of a run is, as the kernel wants to be told.
union segment_size {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
};

struct batch {
    struct mmsghdr messages[batch_max];
    struct iovec pieces[batch_max];
    union segment_size sizes[batch_max / 2];
    uint8_t lengths[batch_max];  // how many datagrams each message is
    uint32_t count;
};

static bool have_one_destination(const cposix_datagram *first, const cposix_datagram *second) {
    if (first->address_length != second->address_length) return false;
    return first->address_length == 0 || memcmp(first->address, second->address, first->address_length) == 0;
}

// How many datagrams from the first on make a run: one destination, one size, the last may be shorter. An empty one has
// no place in it.
static uint32_t run_length(const cposix_datagram *datagrams, uint32_t count, uint32_t size_max) {
    const uint32_t size = datagrams->count;
    if (size == 0 || size > size_max) return 1;
    uint32_t length = 1, bytes = size;
    while (length < count && length < run_datagrams_max) {
        const cposix_datagram *next = &datagrams[length];
        if (next->count == 0 || next->count > size || bytes + next->count > run_bytes_max) break;
        if (!have_one_destination(datagrams, next)) break;
        bytes += next->count;
        length++;
        if (next->count < size) break;
    }
    return length;
}

static void fill(struct batch *batch, const cposix_datagram *datagrams, uint32_t count, uint32_t size_max) {
    uint32_t runs = 0;
    batch->count = 0;
    for (uint32_t first = 0; first < count;) {
        const uint32_t length = run_length(&datagrams[first], count - first, size_max);
        for (uint32_t index = first; index < first + length; index++) {
            batch->pieces[index] =
                (struct iovec){.iov_base = (void *)datagrams[index].bytes, .iov_len = datagrams[index].count};
        }
        struct msghdr *header = &batch->messages[batch->count].msg_hdr;
        *header = (struct msghdr){
            .msg_name = (void *)datagrams[first].address,
            .msg_namelen = datagrams[first].address_length,
            .msg_iov = &batch->pieces[first],
            .msg_iovlen = length,
        };
        if (length > 1) {
            union segment_size *size = &batch->sizes[runs++];
            const uint16_t bytes = (uint16_t)datagrams[first].count;
            size->header = (struct cmsghdr){
                .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(sizeof bytes)};
            memcpy(CMSG_DATA(&size->header), &bytes, sizeof bytes);
            header->msg_control = size;
            header->msg_controllen = sizeof *size;
        }
        batch->lengths[batch->count++] = (uint8_t)length;
        first += length;
    }
}

// Whether the kernel may take the datagrams of a run one by one: it does not know UDP_SEGMENT, they are too long for the
// network to go unfragmented, or the device or the socket leaves it no way to cut them.
static bool is_about_runs(int error) {
    return error == EINVAL || error == EMSGSIZE || error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT;
}

// sendmmsg(2), or its older twin for one message after the other. An error that is about the first message comes again.
static int send_messages(int socket, struct mmsghdr *messages, uint32_t count) {
    const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const int result = sendmmsg(socket, messages, count, flags);
    if (result >= 0 || !cposix_may_lack_call(errno)) return result;
    int sent = 0;
    while ((uint32_t)sent < count && sendmsg(socket, &messages[sent].msg_hdr, flags) >= 0) sent++;
    return sent > 0 ? sent : -1;
}

int32_t cposix_send_datagrams(int32_t socket, const cposix_datagram *datagrams, uint32_t count,
                              uint32_t *run_size_max) {
    struct batch batch;
    uint32_t sent = 0, alone = 0;  // datagrams below `alone` go out one by one: as a run they were refused
    int refusal = 0;
    while (sent < count) {
        const bool goes_alone = sent < alone;
        uint32_t tried = (goes_alone ? alone : count) - sent;
        if (tried > batch_max) tried = batch_max;
        fill(&batch, &datagrams[sent], tried, goes_alone ? 0 : *run_size_max);
        const int result = send_messages(socket, batch.messages, batch.count);
        if (result < 0) {
            if (errno == EINTR) continue;
            if (batch.lengths[0] == 1 || !is_about_runs(errno)) return sent > 0 ? (int32_t)sent : -errno;
            refusal = errno;
            alone = sent + batch.lengths[0];
            continue;
        }
        // It was about the run, since alone they are taken. Shorter ones may fit the network.
        if (goes_alone && refusal != 0) {
            *run_size_max = refusal == EINVAL || refusal == EMSGSIZE ? datagrams[sent].count - 1 : 0;
            refusal = 0;
        }
        for (int index = 0; index < result; index++) sent += batch.lengths[index];
        // What was refused says why when it comes first.
        if ((uint32_t)result < batch.count) break;
    }
    return (int32_t)sent;
}
