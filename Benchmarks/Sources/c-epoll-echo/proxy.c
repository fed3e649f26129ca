// Each accepted connection and one to the upstream are two sides of a pair: what one receives the other sends.
//
// What a socket does not take is kept, and until it is gone the other side is not read from. Both sides end together, when
// what was kept is sent.
#include "proxy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct side {
    int fd;
    struct side *other;
    uint8_t *rest;  // received from the other side and not taken by this socket; NULL when there is none
    size_t rest_start, rest_length;
    uint32_t watched;  // epoll events
    bool is_first;     // of its pair, which is allocated as one
    bool connecting;
};

// Pairs that ended in this turn, in which their sides may be named again.
static struct side **ended;
static size_t ended_count, ended_capacity;

static void watch(struct side *side, uint32_t events) {
    if (side->watched == events) return;
    side->watched = events;
    struct epoll_event event = {.events = events, .data.ptr = side};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, side->fd, &event) != 0) cserve_fail("epoll_ctl", errno);
}

// A side reads for as long as the other one has nothing to send, and waits for room while it has.
static void watch_what_is_wanted(struct side *side) {
    if (side->fd < 0) return;
    const uint32_t reads = side->other->rest == NULL && !side->connecting && !side->other->connecting ? EPOLLIN : 0;
    watch(side, reads | (side->rest != NULL || side->connecting ? EPOLLOUT : 0));
}

static void end_pair(struct side *side) {
    struct side *sides[] = {side, side->other};
    for (int i = 0; i < 2; i++) {
        close(sides[i]->fd);
        sides[i]->fd = -1;
        free(sides[i]->rest);
        sides[i]->rest = NULL;
    }
    if (ended_count == ended_capacity) {
        ended_capacity = ended_capacity == 0 ? 64 : ended_capacity * 2;
        ended = realloc(ended, ended_capacity * sizeof *ended);
        if (ended == NULL) cserve_fail("realloc", errno);
    }
    ended[ended_count++] = side->is_first ? side : side->other;
}

void proxy_turn_ended(void) {
    while (ended_count > 0) free(ended[--ended_count]);
}

void proxy_accepted(int fd, const struct cserve_options *options) {
    const int upstream = cserve_connect_upstream(options);
    if (upstream < 0) {
        close(fd);
        return;
    }
    struct side *pair = calloc(2, sizeof *pair);
    if (pair == NULL) cserve_fail("calloc", errno);
    pair[0] = (struct side){.fd = fd, .other = &pair[1], .is_first = true};
    pair[1] = (struct side){.fd = upstream, .other = &pair[0], .connecting = true, .watched = EPOLLOUT};
    for (int i = 0; i < 2; i++) {
        struct epoll_event event = {.events = pair[i].watched, .data.ptr = &pair[i]};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair[i].fd, &event) != 0) cserve_fail("epoll_ctl", errno);
    }
}

// What the socket takes is gone; the rest is kept. False when the pair has ended.
static bool forward(struct side *to, const uint8_t *bytes, size_t length) {
    ssize_t sent = send(to->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        end_pair(to);
        return false;
    }
    if (sent < 0) sent = 0;
    if ((size_t)sent == length) return true;
    to->rest_start = 0;
    to->rest_length = length - (size_t)sent;
    to->rest = malloc(to->rest_length);
    if (to->rest == NULL) cserve_fail("malloc", errno);
    memcpy(to->rest, bytes + sent, to->rest_length);
    watch_what_is_wanted(to);
    watch_what_is_wanted(to->other);
    return true;
}

static void read_ready(struct side *side) {
    for (int i = 0; i < pieces_per_event_max && side->other->rest == NULL; i++) {
        ssize_t received = recv(side->fd, read_buffer, (size_t)read_buffer_bytes, 0);
        if (received <= 0) {
            if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
            end_pair(side);
            return;
        }
        if (!forward(side->other, read_buffer, (size_t)received) || received < read_buffer_bytes) return;
    }
}

// False when the pair has ended.
static bool write_ready(struct side *side) {
    if (side->connecting) {
        int problem = 0;
        socklen_t length = sizeof problem;
        getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &problem, &length);
        if (problem != 0) {
            end_pair(side);
            return false;
        }
        side->connecting = false;
    } else if (side->rest != NULL) {
        ssize_t sent = send(side->fd, side->rest + side->rest_start, side->rest_length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            end_pair(side);
            return false;
        }
        if (sent < 0) return true;
        side->rest_start += (size_t)sent;
        side->rest_length -= (size_t)sent;
        if (side->rest_length > 0) return true;
        free(side->rest);
        side->rest = NULL;
    }
    watch_what_is_wanted(side);
    watch_what_is_wanted(side->other);
    return true;
}

void proxy_ready(void *tag, uint32_t events) {
    struct side *side = tag;
    if (side->fd < 0) return;
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) && (side->watched & EPOLLOUT) && !write_ready(side)) return;
    if ((events & EPOLLIN) && (side->watched & EPOLLIN)) {
        read_ready(side);
    } else if (events & (EPOLLERR | EPOLLHUP)) {
        // Nobody is waiting to hear it from a call.
        if (!(side->watched & EPOLLOUT)) end_pair(side);
    }
}
