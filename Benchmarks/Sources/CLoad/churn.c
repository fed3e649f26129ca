// Connections that live for one message.
//
// The client closes first. TCP_LINGER2 below zero lets its socket go without TIME_WAIT, of which a minute's worth would
// otherwise fill the port range; the server sees an ordinary end of stream all the same.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine.h"

static void churn_send(struct engine *engine, struct connection *connection) {
    while (connection->sent < engine->message_bytes) {
        uint64_t length = engine->message_bytes - connection->sent;
        if (length > piece_bytes_max) length = piece_bytes_max;
        const uint8_t *bytes = expected_bytes(engine, connection, connection->sent);
        ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;  // not connected yet, or full: an EPOLLOUT follows
        if (sent < 0) {
            fail_connection(engine, connection);
            return;
        }
        connection->sent += (uint64_t)sent;
    }
}

void churn_start(struct engine *engine, struct connection *connection) {
    const uint64_t start = now_ns(engine);
    int fd = socket(engine->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        engine->result->errors++;
        return;
    }
    if (engine->config->unix_path == NULL) {
        const int none = -1;
        setsockopt(fd, IPPROTO_TCP, TCP_LINGER2, &none, sizeof none);
    }
    if (connect(fd, (struct sockaddr *)&engine->address, engine->address_length) != 0 && errno != EINPROGRESS) {
        if (errno != EAGAIN) engine->result->errors++;  // EAGAIN: the backlog of a Unix socket is full for now
        close(fd);
        return;
    }
    prepare_connection(engine, connection, fd);
    connection->starts_ns[0] = start;
    churn_send(engine, connection);  // over loopback the connection mostly stands by now
    if (connection->fd >= 0) watch_connection(engine, connection);
}

// Slots whose connection could not be made try again once a turn.
void churn_retry(struct engine *engine) {
    if (engine->open_count == engine->config->connections) return;
    for (uint32_t i = 0; i < engine->config->connections; i++) {
        if (engine->connections[i].fd < 0) churn_start(engine, &engine->connections[i]);
    }
}

void churn_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (connection->sent < engine->message_bytes && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        churn_send(engine, connection);
    }
    while (connection->fd >= 0 && connection->received < connection->sent) {
        ssize_t received = recv(connection->fd, engine->incoming, piece_bytes_max, 0);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0 && errno == EAGAIN) return;
        if (received <= 0) {
            fail_connection(engine, connection);
            return;
        }
        const uint8_t *expected = expected_bytes(engine, connection, connection->received);
        connection->received += (uint64_t)received;
        if (connection->received > connection->sent || memcmp(engine->incoming, expected, (size_t)received) != 0) {
            engine->result->corruptions++;
            close_connection(engine, connection);
            return;
        }
        if (engine->measuring) engine->result->bytes += (uint64_t)received;
    }
    if (connection->fd < 0 || connection->received < engine->message_bytes) return;
    close_connection(engine, connection);
    if (engine->measuring) {
        cload_histogram_record(engine->latency, now_ns(engine) - connection->starts_ns[0]);
        engine->result->requests++;
    }
    churn_start(engine, connection);
}
