// Echo over TLS and epoll, written by hand: the baseline for TLS on readiness loops.
//
// Level-triggered; one read buffer shared by all connections, and what answers a piece is sealed into pooled blocks that are
// written at once: an idle connection holds a small record and what OpenSSL keeps. What the socket does not take stays in
// them, with reading stopped until it is gone.
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "answer.h"
#include "cserve.h"
#include "cserve_tls.h"

enum { event_capacity = 1024, accepts_per_event_max = 256, pieces_per_event_max = 16, pieces_max = 32 };

struct connection {
    int fd;
    struct ssl_st *tls;
    struct answer answer;  // sealed and not yet taken by the socket; empty when there is nothing
    bool waits;            // for room in the socket, and is not read from
    bool ended;            // nothing more is received: it closes when the answer is sent
    struct connection *next_free;
};

static int epoll_fd, retry_timer;
static uint8_t *read_buffer;
static long read_buffer_bytes = 256 * 1024;
static struct connection *free_connections;

// Event tags that are no connection's address.
static char listener_tag, signal_tag, retry_tag;

static struct connection *take_connection(int fd) {
    struct connection *connection = free_connections;
    if (connection == NULL) {
        enum { batch = 64 };
        struct connection *records = calloc(batch, sizeof *records);
        if (records == NULL) cserve_fail("calloc", errno);
        for (int i = 1; i < batch; i++) {
            records[i].next_free = free_connections;
            free_connections = &records[i];
        }
        connection = records;
    } else {
        free_connections = connection->next_free;
    }
    *connection = (struct connection){.fd = fd, .tls = cserve_tls_create()};
    return connection;
}

static void close_connection(struct connection *connection) {
    close(connection->fd);  // which takes it out of the epoll set, as nothing else holds the file
    cserve_tls_destroy(connection->tls);
    answer_drop(&connection->answer, connection->answer.length);
    connection->next_free = free_connections;
    free_connections = connection;
}

static void watch(struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, operation, connection->fd, &event) != 0) cserve_fail("epoll_ctl", errno);
}

// Out of descriptors: the listener would stay readable and spin, so it is looked at again in a moment.
static void pause_accepting(int listener) {
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, listener, NULL);
    struct itimerspec spec = {.it_value.tv_nsec = 100 * 1000 * 1000};
    timerfd_settime(retry_timer, 0, &spec, NULL);
}

static void accept_ready(int listener) {
    for (int i = 0; i < accepts_per_event_max; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            watch(take_connection(fd), EPOLL_CTL_ADD, EPOLLIN);
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(listener);
            return;
        }
        // ECONNABORTED, EINTR and the network errors that accept(2) names belong to one connection only.
    }
}

// Writes what there is, and waits for room when the socket does not take all. False when the connection is gone.
static bool write_answer(struct connection *connection) {
    struct answer *answer = &connection->answer;
    if (answer->length > 0) {
        struct iovec pieces[pieces_max];
        const struct msghdr message = {.msg_iov = pieces, .msg_iovlen = answer_pieces(answer, pieces, pieces_max)};
        ssize_t sent = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            close_connection(connection);
            return false;
        }
        if (sent > 0) answer_drop(answer, (size_t)sent);
        if (answer->length > 0) {
            if (!connection->waits) watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
            connection->waits = true;
            return true;
        }
    }
    if (connection->ended) {
        close_connection(connection);
        return false;
    }
    if (connection->waits) watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    connection->waits = false;
    return true;
}

static void echo_ready(struct connection *connection) {
    for (int i = 0; i < pieces_per_event_max; i++) {
        ssize_t received = recv(connection->fd, read_buffer, (size_t)read_buffer_bytes, 0);
        if (received < 0) {
            if (errno != EAGAIN && errno != EINTR) close_connection(connection);
            return;
        }
        if (received == 0) {
            connection->ended = true;
            cserve_tls_end(connection->tls, &connection->answer);
        } else {
            connection->ended =
                !cserve_tls_echo(connection->tls, read_buffer, (size_t)received, &connection->answer);
        }
        if (!write_answer(connection) || connection->waits) return;
        if (received < read_buffer_bytes) return;  // nothing more was there; no call to learn it again
    }
}

static void add_plain(int fd, void *tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) cserve_fail("epoll_ctl", errno);
}

static void serve(int listener) {
    static struct epoll_event events[event_capacity];
    for (;;) {
        int count = epoll_wait(epoll_fd, events, event_capacity, -1);
        if (count < 0 && errno != EINTR) cserve_fail("epoll_wait", errno);
        for (int i = 0; i < count; i++) {
            void *tag = events[i].data.ptr;
            struct connection *connection = tag;
            if (tag == &signal_tag) return;
            if (tag == &listener_tag) {
                accept_ready(listener);
            } else if (tag == &retry_tag) {
                uint64_t expirations;
                (void)!read(retry_timer, &expirations, sizeof expirations);
                add_plain(listener, &listener_tag);
            } else if (connection->waits) {
                write_answer(connection);
            } else {
                // One event a connection and turn, so that a record closed here is not named again in this turn.
                echo_ready(connection);
            }
        }
    }
}

int main(int argc, char **argv) {
    long tickets = 2;
    const struct cserve_knob knobs[] = {
        {"tickets", "session tickets after a full handshake", 0, 16, &tickets},
        {"read-buffer", "bytes of the shared read buffer", 1024, 1 << 24, &read_buffer_bytes},
    };
    struct cserve_options options = cserve_parse_tls(argc, argv, knobs, sizeof knobs / sizeof knobs[0]);
    cserve_tls_set_up(&options, tickets);
    cserve_raise_descriptor_limit();
    int signals = cserve_signals(0);
    int listener = cserve_listen(&options, SOCK_NONBLOCK);
    read_buffer = malloc((size_t)read_buffer_bytes);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    retry_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (read_buffer == NULL || epoll_fd < 0 || retry_timer < 0) cserve_fail("set-up", errno);
    add_plain(listener, &listener_tag);
    add_plain(signals, &signal_tag);
    add_plain(retry_timer, &retry_tag);
    cserve_announce(listener, &options);
    serve(listener);
    cserve_close(listener, &options);
    cserve_tls_clean_up();
    free(read_buffer);
    return 0;
}
