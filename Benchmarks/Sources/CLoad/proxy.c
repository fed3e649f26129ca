// Both ends of a forwarder: clients send to the server without end, and what it forwards comes back to the listener here.
//
// A client's stream begins with its index in four bytes, so that whatever comes out on the other side is known, and
// continues as its pattern. The number of forwarded connections is bounded by that of the clients.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine.h"

enum { pieces_per_event_max = 16, name_bytes = 4 };

int cload_listen(uint16_t *port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        const int problem = errno;
        close(fd);
        return -problem;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static bool watch_for(struct engine *engine, struct connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    return epoll_ctl(engine->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0;
}

int proxy_set_up(struct engine *engine) {
    engine->upstream.fd = engine->config->upstream;
    return watch_for(engine, &engine->upstream, EPOLLIN) ? 0 : errno;
}

static struct connection *free_place(struct engine *engine) {
    for (uint32_t i = engine->client_count; i < engine->connection_count; i++) {
        if (engine->connections[i].fd < 0) return &engine->connections[i];
    }
    return NULL;
}

static void accept_forwarded(struct engine *engine) {
    int fd;
    while ((fd = accept4(engine->upstream.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = free_place(engine);
        if (connection == NULL) {
            // More than clients: whoever has asked for it, it was not this load.
            engine->result->errors++;
            close(fd);
            continue;
        }
        prepare_connection(engine, connection, fd);
        connection->named = 0;
        if (!watch_for(engine, connection, EPOLLIN)) fail_connection(engine, connection);
    }
}

static void send_pieces(struct engine *engine, struct connection *client) {
    const size_t length = engine->message_bytes < piece_bytes_max ? engine->message_bytes : piece_bytes_max;
    for (int piece = 0; piece < pieces_per_event_max; piece++) {
        ssize_t sent;
        if (client->sent < name_bytes) {
            const uint8_t name[name_bytes] = {(uint8_t)client->index, (uint8_t)(client->index >> 8),
                                              (uint8_t)(client->index >> 16), (uint8_t)(client->index >> 24)};
            sent = send(client->fd, name + client->sent, name_bytes - client->sent, MSG_NOSIGNAL | MSG_MORE);
        } else {
            sent = send(client->fd, expected_bytes(engine, client, client->sent - name_bytes), length, MSG_NOSIGNAL);
        }
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) {
            fail_connection(engine, client);
            return;
        }
        client->sent += (uint64_t)sent;
    }
}

// Reads whose stream this is. False when that is not known yet, or never will be.
static bool read_name(struct engine *engine, struct connection *connection) {
    uint8_t name[name_bytes];
    const ssize_t received = recv(connection->fd, name, name_bytes - connection->named, 0);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (received <= 0) {
        // Nobody's: somebody has looked whether the server listens.
        if (connection->named == 0) close_connection(engine, connection);
        if (connection->named > 0) fail_connection(engine, connection);
        return false;
    }
    if (connection->named == 0) connection->index = 0;
    for (ssize_t i = 0; i < received; i++) {
        connection->index |= (uint32_t)name[i] << (8 * connection->named++);
    }
    if (connection->named < name_bytes) return false;
    if (connection->index >= engine->client_count) {
        engine->result->corruptions++;
        close_connection(engine, connection);
        return false;
    }
    connection->phase = phase_of(connection->index);
    return true;
}

static void receive_pieces(struct engine *engine, struct connection *connection) {
    if (connection->named < name_bytes && !read_name(engine, connection)) return;
    const struct connection *client = &engine->connections[connection->index];
    for (int piece = 0; piece < pieces_per_event_max; piece++) {
        const ssize_t received = recv(connection->fd, engine->incoming, piece_bytes_max, 0);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0 && errno == EAGAIN) return;
        if (received <= 0) {
            fail_connection(engine, connection);
            return;
        }
        const uint8_t *expected = expected_bytes(engine, connection, connection->received);
        connection->received += (uint64_t)received;
        if (connection->received + name_bytes > client->sent ||
            memcmp(engine->incoming, expected, (size_t)received) != 0) {
            engine->result->corruptions++;
            close_connection(engine, connection);
            return;
        }
        if (!engine->measuring) continue;
        engine->result->bytes += (uint64_t)received;
        engine->result->requests = engine->result->bytes / engine->message_bytes;
    }
}

void proxy_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (connection == &engine->upstream) {
        accept_forwarded(engine);
    } else if (connection >= engine->connections + engine->client_count) {
        receive_pieces(engine, connection);
    } else if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        fail_connection(engine, connection);
    } else {
        send_pieces(engine, connection);
    }
}
