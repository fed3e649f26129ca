// Connections that live for one message.
//
// The client closes first. TCP_LINGER2 below zero lets its socket go without TIME_WAIT, of which a minute's worth would
// otherwise fill the port range; the server sees an ordinary end of stream all the same.
//
// Over TLS it says close_notify and waits for the server to say so too, and to close: then the server's socket is the one that
// waits, and the client's port is free.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tls.h"

static void churn_send(struct engine *engine, struct connection *connection) {
    while (connection->sent < engine->message_bytes || has_unsent(engine, connection)) {
        uint64_t length = engine->message_bytes - connection->sent;
        if (length > piece_bytes_max) length = piece_bytes_max;
        const uint8_t *bytes = expected_bytes(engine, connection, connection->sent);
        ssize_t sent = send_bytes(engine, connection, bytes, length);
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
    if (engine->tls != NULL && !tls_open(engine, connection)) return;
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

// Its life is over, and the next one's begins.
static void churn_end(struct engine *engine, struct connection *connection) {
    // A full handshake that only brought the ticket for those that follow is none of those that are measured.
    bool counts = engine->measuring;
    if (engine->config->tls_resumes && !connection->tls->resumes) {
        counts = false;
        if (connection->tls->session == NULL) {
            tls_note(engine, "the server gave no ticket");
            engine->result->errors++;
        }
    }
    close_connection(engine, connection);
    if (counts) {
        cload_histogram_record(engine->latency, now_ns(engine) - connection->starts_ns[0]);
        engine->result->requests++;
    }
    churn_start(engine, connection);
}

// After close_notify: the server's own and its end, and nothing else.
static void churn_await_end(struct engine *engine, struct connection *connection, bool ending) {
    const int ended = tls_has_ended(engine, connection, ending);
    if (ended < 0) fail_connection(engine, connection);
    if (ended > 0) churn_end(engine, connection);
}

// True when there may be an answer to look for.
static bool churn_goes_on(struct engine *engine, struct connection *connection, uint32_t events) {
    if (is_shaking_hands(connection)) {
        if (!tls_shake_hands(engine, connection)) return false;
        churn_send(engine, connection);
    } else if ((connection->sent < engine->message_bytes || has_unsent(engine, connection)) &&
               (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
        churn_send(engine, connection);
    }
    return connection->fd >= 0;
}

void churn_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (!churn_goes_on(engine, connection, events)) return;
    const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (connection->tls != NULL && connection->tls->has_said_goodbye) {
        churn_await_end(engine, connection, ending);
        return;
    }
    while (connection->fd >= 0 && connection->received < connection->sent) {
        bool more;
        ssize_t received = receive_bytes(engine, connection, &more);
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
    if (connection->tls == NULL) {
        churn_end(engine, connection);
    } else if (!tls_say_goodbye(engine, connection)) {
        fail_connection(engine, connection);
    } else if (ending || connection->tls->peer_ended) {
        // It did not wait for the goodbye, and may have nothing more to be told of.
        churn_await_end(engine, connection, ending);
    }
}
