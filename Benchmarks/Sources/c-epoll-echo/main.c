// Echo, sink, source, answers to lines, and a proxy (proxy.c) over epoll, written by hand: the baseline for readiness loops.
//
// Level-triggered; one read buffer shared by all connections, so that an idle one holds a small record only; what is
// read is written at once, and what the socket does not take is kept, with reading stopped until it is gone.
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clines.h"
#include "cpattern.h"
#include "cserve.h"
#include "proxy.h"

enum { event_capacity = 1024, accepts_per_event_max = 256, ask_piece_bytes = 64 * 1024 };

struct connection {
    int fd;
    uint8_t *rest;         // what the socket did not take; NULL when there is none
    uint32_t rest_start;
    uint32_t rest_length;  // bytes left from rest_start
    uint32_t position;     // in the pattern's period, of what a source sends next
    struct clines *lines;  // of a connection that asks
    struct connection *next_free;
};

int epoll_fd;
uint8_t *read_buffer;
long read_buffer_bytes = 256 * 1024;
static struct connection *free_connections;
static struct cserve_options options;
static enum cserve_service service;
static uint8_t *pattern;  // of a source
static size_t message_bytes;

// Event tags that are no connection's address.
static char listener_tag, signal_tag, retry_tag;
static int retry_timer;

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
    *connection = (struct connection){.fd = fd};
    return connection;
}

static void close_connection(struct connection *connection) {
    close(connection->fd);  // which takes it out of the epoll set, as nothing else holds the file
    free(connection->rest);
    free(connection->lines);
    connection->rest = NULL;
    connection->next_free = free_connections;
    free_connections = connection;
}

static void watch(struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, operation, connection->fd, &event) != 0) cserve_fail("epoll_ctl", errno);
}

static void begin_lines(struct connection *connection) {
    connection->lines = calloc(1, sizeof *connection->lines);
    if (connection->lines == NULL) cserve_fail("calloc", errno);
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
        if (fd >= 0 && service == cserve_proxy) {
            proxy_accepted(fd, &options);
            continue;
        }
        if (fd >= 0) {
            struct connection *connection = take_connection(fd);
            if (service == cserve_ask) begin_lines(connection);
            watch(connection, EPOLL_CTL_ADD, service == cserve_source ? EPOLLIN | EPOLLOUT : EPOLLIN);
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

// Keeps what the socket did not take and waits until it takes more.
static void keep_rest(struct connection *connection, const uint8_t *bytes, uint32_t length) {
    connection->rest = malloc(length);
    if (connection->rest == NULL) cserve_fail("malloc", errno);
    memcpy(connection->rest, bytes, length);
    connection->rest_start = 0;
    connection->rest_length = length;
    watch(connection, EPOLL_CTL_MOD, EPOLLOUT);
}

// False when the connection is gone.
static bool write_rest(struct connection *connection) {
    ssize_t sent =
        send(connection->fd, connection->rest + connection->rest_start, connection->rest_length, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno == EAGAIN || errno == EINTR) return true;
        close_connection(connection);
        return false;
    }
    connection->rest_start += (uint32_t)sent;
    connection->rest_length -= (uint32_t)sent;
    if (connection->rest_length == 0) {
        free(connection->rest);
        connection->rest = NULL;
        watch(connection, EPOLL_CTL_MOD, EPOLLIN);
    }
    return true;
}

static void echo_ready(struct connection *connection) {
    for (int i = 0; i < pieces_per_event_max; i++) {
        ssize_t received = recv(connection->fd, read_buffer, (size_t)read_buffer_bytes, 0);
        if (received <= 0) {
            if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
            close_connection(connection);
            return;
        }
        ssize_t sent = send(connection->fd, read_buffer, (size_t)received, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR) {
                close_connection(connection);
                return;
            }
            sent = 0;
        }
        if (sent < received) {
            keep_rest(connection, read_buffer + sent, (uint32_t)(received - sent));
            return;
        }
        if (received < read_buffer_bytes) return;  // nothing more was there; no call to learn it again
    }
}

static void sink_ready(struct connection *connection) {
    for (int i = 0; i < pieces_per_event_max; i++) {
        ssize_t received = recv(connection->fd, read_buffer, (size_t)read_buffer_bytes, 0);
        if (received <= 0) {
            if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
            close_connection(connection);
            return;
        }
        if (received < read_buffer_bytes) return;
    }
}

// Sends an answer, or lets it wait behind those that the socket did not take. False when the connection is gone.
static bool answer(struct connection *connection, const uint8_t *line, size_t length) {
    if (connection->rest != NULL) {
        const size_t end = connection->rest_start + connection->rest_length;
        uint8_t *grown = realloc(connection->rest, end + length);
        if (grown == NULL) cserve_fail("realloc", errno);
        memcpy(grown + end, line, length);
        connection->rest = grown;
        connection->rest_length += (uint32_t)length;
        return true;
    }
    ssize_t sent = send(connection->fd, line, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        close_connection(connection);
        return false;
    }
    if (sent < 0) sent = 0;
    if ((size_t)sent < length) keep_rest(connection, line + sent, (uint32_t)(length - (size_t)sent));
    return true;
}

// One piece, which is a millisecond's work, then the others have their turn.
static void ask_ready(struct connection *connection) {
    const size_t piece_bytes = read_buffer_bytes < ask_piece_bytes ? (size_t)read_buffer_bytes : ask_piece_bytes;
    ssize_t received = recv(connection->fd, read_buffer, piece_bytes, 0);
    if (received <= 0) {
        if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
        close_connection(connection);
        return;
    }
    const uint8_t *line;
    size_t position = 0, length;
    while ((length = clines_next_question(connection->lines, read_buffer, (size_t)received, &position, &line)) > 0) {
        if (!answer(connection, line, length)) return;
    }
}

// The peer sends nothing: what becomes readable is its end.
static void source_ready(struct connection *connection, uint32_t events) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        close_connection(connection);
        return;
    }
    for (int i = 0; i < pieces_per_event_max; i++) {
        ssize_t sent = send(connection->fd, pattern + connection->position, message_bytes, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN && errno != EINTR) close_connection(connection);
            return;
        }
        connection->position = (uint32_t)((connection->position + (size_t)sent) % cpattern_period);
    }
}

static void connection_ready(struct connection *connection, uint32_t events) {
    switch (service) {
    case cserve_echo:
        if (connection->rest != NULL) {
            write_rest(connection);
        } else {
            echo_ready(connection);
        }
        break;
    case cserve_ask:
        if (connection->rest != NULL) {
            write_rest(connection);
        } else {
            ask_ready(connection);
        }
        break;
    case cserve_sink: sink_ready(connection); break;
    case cserve_source: source_ready(connection, events); break;
    case cserve_proxy: break;  // its records are others
    case cserve_udp_echo: break;  // it was refused
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
            if (tag == &signal_tag) return;
            if (tag == &listener_tag) {
                accept_ready(listener);
            } else if (tag == &retry_tag) {
                uint64_t expirations;
                (void)!read(retry_timer, &expirations, sizeof expirations);
                add_plain(listener, &listener_tag);
            } else if (service == cserve_proxy) {
                proxy_ready(tag, events[i].events);
            } else {
                // One event a connection and turn, so that a record closed here is not named again in this turn.
                connection_ready(tag, events[i].events);
            }
        }
        if (service == cserve_proxy) proxy_turn_ended();
    }
}

int main(int argc, char **argv) {
    const struct cserve_knob knobs[] = {
        {"read-buffer", "bytes of the shared read buffer", 1024, 1 << 24, &read_buffer_bytes},
    };
    options = cserve_parse(argc, argv, knobs, sizeof knobs / sizeof knobs[0]);
    if (options.service == cserve_udp_echo) cserve_fail("udp-echo", EOPNOTSUPP);
    cserve_raise_descriptor_limit();
    int signals = cserve_signals(0);
    int listener = cserve_listen(&options, SOCK_NONBLOCK);
    read_buffer = malloc((size_t)read_buffer_bytes);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    retry_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    service = options.service;
    message_bytes = options.message_bytes;
    if (service == cserve_source) pattern = cpattern_create(message_bytes);
    if (service == cserve_source && pattern == NULL) cserve_fail("memory for the pattern", errno);
    if (read_buffer == NULL || epoll_fd < 0 || retry_timer < 0) cserve_fail("set-up", errno);
    add_plain(listener, &listener_tag);
    add_plain(signals, &signal_tag);
    add_plain(retry_timer, &retry_tag);
    cserve_announce(listener, &options);
    serve(listener);
    cserve_close(listener, &options);
    return 0;
}
