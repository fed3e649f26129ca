// Bytes in one direction only.
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "engine.h"

enum { pieces_per_event_max = 16 };

// Messages are not seen one by one here: so many bytes are one.
static void count_bytes(struct engine *engine, size_t count) {
    if (!engine->measuring) return;
    engine->result->bytes += count;
    engine->result->requests = engine->result->bytes / engine->message_bytes;
}

// Sends without end, a bounded number of pieces a turn.
void stream_in_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        fail_connection(engine, connection);
        return;
    }
    for (int piece = 0; piece < pieces_per_event_max; piece++) {
        const uint8_t *bytes = expected_bytes(engine, connection, connection->sent);
        const size_t length = engine->message_bytes < piece_bytes_max ? engine->message_bytes : piece_bytes_max;
        ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) {
            fail_connection(engine, connection);
            return;
        }
        connection->sent += (uint64_t)sent;
        count_bytes(engine, (size_t)sent);
    }
}

// Receives without end. The server's stream is the pattern of connection 0 (phase 0) on every connection.
void stream_out_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    (void)events;
    for (int piece = 0; piece < pieces_per_event_max; piece++) {
        ssize_t received = recv(connection->fd, engine->incoming, piece_bytes_max, 0);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0 && errno == EAGAIN) return;
        if (received <= 0) {
            fail_connection(engine, connection);
            return;
        }
        const uint8_t *expected = expected_bytes(engine, connection, connection->received);
        if (memcmp(engine->incoming, expected, (size_t)received) != 0) {
            engine->result->corruptions++;
            close_connection(engine, connection);
            return;
        }
        connection->received += (uint64_t)received;
        count_bytes(engine, (size_t)received);
    }
}
