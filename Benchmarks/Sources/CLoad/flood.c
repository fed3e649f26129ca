// Connections that flood a server with lines, and one more that asks it something, a line at a time.
//
// The server ignores all lines but those that begin with '?', which it sends back. How long the one waits says whether
// the others leave it a share of the server.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "engine.h"

// A question is numbered, so that the answer to another one shows.
enum { line_bytes_min = 24, line_bytes_max = 128, flood_piece_bytes = 64 * 1024, send_buffer_bytes = 128 * 1024 };

int flood_set_up(struct engine *engine) {
    const uint32_t line_bytes = engine->message_bytes;
    if (line_bytes < line_bytes_min || line_bytes > line_bytes_max) return EINVAL;
    engine->lines = malloc(flood_piece_bytes + line_bytes);
    if (engine->lines == NULL) return ENOMEM;
    for (uint32_t i = 0; i < flood_piece_bytes + line_bytes; i++) {
        engine->lines[i] = (i + 1) % line_bytes == 0 ? '\n' : (uint8_t)('a' + engine->pattern[i] % 26);
    }
    return 0;
}

static struct connection *asker(struct engine *engine) {
    return &engine->connections[engine->client_count - 1];
}

static void write_question(const struct engine *engine, uint64_t number, uint8_t *line) {
    memset(line, '.', engine->message_bytes);
    const int length = snprintf((char *)line, engine->message_bytes, "?%llu", (unsigned long long)number);
    line[length] = '.';  // snprintf's own end
    line[engine->message_bytes - 1] = '\n';
}

// A question is short, and nothing is under way: a socket that does not take it whole is broken.
static void ask(struct engine *engine, struct connection *connection) {
    uint8_t question[line_bytes_max];
    write_question(engine, connection->completed, question);
    connection->starts_ns[0] = now_ns(engine);
    const ssize_t sent = send(connection->fd, question, engine->message_bytes, MSG_NOSIGNAL);
    if (sent != (ssize_t)engine->message_bytes) {
        fail_connection(engine, connection);
        return;
    }
    connection->sent += (uint64_t)sent;
}

// Takes the answer, or a part of it, if it is there.
static void look_for_answer(struct engine *engine, struct connection *connection) {
    if (connection->fd < 0) return;
    const ssize_t received = recv(connection->fd, engine->incoming, piece_bytes_max, 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (received <= 0) {
        fail_connection(engine, connection);
        return;
    }
    uint8_t question[line_bytes_max];
    write_question(engine, connection->completed, question);
    const uint64_t begun = connection->received % engine->message_bytes;
    const bool is_right = connection->received + (uint64_t)received <= connection->sent &&
                          memcmp(engine->incoming, question + begun, (size_t)received) == 0;
    if (!is_right) {
        engine->result->corruptions++;
        close_connection(engine, connection);
        return;
    }
    connection->received += (uint64_t)received;
    if (connection->received < connection->sent) return;
    if (engine->measuring) {
        cload_histogram_record(engine->latency, now_ns(engine) - connection->starts_ns[0]);
        engine->result->requests++;
    }
    connection->completed++;
    ask(engine, connection);
}

// One piece, then the others have their turn. An answer does not wait until all have had theirs.
static void flood(struct engine *engine, struct connection *connection) {
    const uint8_t *bytes = engine->lines + connection->sent % engine->message_bytes;
    const ssize_t sent = send(connection->fd, bytes, flood_piece_bytes, MSG_NOSIGNAL);
    if (sent > 0) {
        connection->sent += (uint64_t)sent;
        if (engine->measuring) engine->result->bytes += (uint64_t)sent;
    } else if (errno != EAGAIN && errno != EINTR) {
        fail_connection(engine, connection);
    }
    look_for_answer(engine, asker(engine));
}

// What the server's sockets hold, as the kernel lists them.
static uint64_t unread_bytes(const char *path, unsigned server_port) {
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    char line[512];
    uint64_t total = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned port, state, unread;
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%x", &port, &state, &unread) != 3) continue;
        enum { established = 1 };  // a listener's is the number of its connections
        if (port == server_port && state == established) total += unread;
    }
    fclose(file);
    return total;
}

// The kernel's buffers grow to several megabytes on each connection, a second's work when there are many: what is in them
// was not taken by the server. Those of Unix sockets are small.
uint64_t flood_queued(const struct engine *engine) {
    const cload_config *config = engine->config;
    if (config->unix_path != NULL) return 0;
    uint64_t total = unread_bytes("/proc/net/tcp", config->port) + unread_bytes("/proc/net/tcp6", config->port);
    for (uint32_t i = 0; i < engine->client_count; i++) {
        int unsent = 0;
        if (engine->connections[i].fd >= 0 && ioctl(engine->connections[i].fd, SIOCOUTQ, &unsent) == 0) {
            total += (uint64_t)unsent;
        }
    }
    return total;
}

void flood_start(struct engine *engine) {
    // What is on its way at the end is dropped, so that the server is not kept busy by it.
    const struct linger drop = {.l_onoff = 1, .l_linger = 0};
    const int bytes = send_buffer_bytes;
    for (uint32_t i = 0; i < engine->client_count; i++) {
        if (engine->connections[i].fd < 0) continue;
        setsockopt(engine->connections[i].fd, SOL_SOCKET, SO_LINGER, &drop, sizeof drop);
        setsockopt(engine->connections[i].fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    }
    struct connection *connection = asker(engine);
    if (connection->fd < 0) return;
    // It has no use for being told that it may write.
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(engine->epoll, EPOLL_CTL_MOD, connection->fd, &event);
    ask(engine, connection);
}

void flood_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (connection == asker(engine)) {
        look_for_answer(engine, connection);
    } else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        // Nothing but its end comes from a server that ignores what it is told. An answer to no question is no end.
        const ssize_t received = recv(connection->fd, engine->incoming, 1, 0);
        if (received > 0) engine->result->corruptions++;
        if (received > 0) close_connection(engine, connection);
        if (received <= 0) fail_connection(engine, connection);
    } else {
        flood(engine, connection);
    }
}
