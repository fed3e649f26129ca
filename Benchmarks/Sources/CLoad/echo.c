// Messages that come back: ping-pong at depth 1, pipelined above.
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "tls.h"

void echo_send(struct engine *engine, struct connection *connection) {
    const uint64_t target = connection->released * engine->message_bytes;
    while (connection->sent < target || has_unsent(engine, connection)) {
        uint64_t length = target - connection->sent;
        if (length > piece_bytes_max) length = piece_bytes_max;
        const uint8_t *bytes = expected_bytes(engine, connection, connection->sent);
        ssize_t sent = send_bytes(engine, connection, bytes, length);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) {
                connection->blocked = true;
            } else {
                fail_connection(engine, connection);
            }
            return;
        }
        connection->sent += (uint64_t)sent;
    }
}

// Lets as many messages go out as the depth allows, stamped with the present time.
void echo_release(struct engine *engine, struct connection *connection, uint64_t now) {
    while (connection->released < connection->completed + engine->depth &&
           connection->released < engine->messages_max) {
        connection->starts_ns[connection->released % engine->depth] = now;
        connection->released++;
    }
    if (!connection->blocked) echo_send(engine, connection);
}

static void complete_messages(struct engine *engine, struct connection *connection, uint64_t now) {
    const uint64_t completed = connection->received / engine->message_bytes;
    for (; connection->completed < completed; connection->completed++) {
        const uint64_t start = connection->starts_ns[connection->completed % engine->depth];
        if (engine->measuring) engine->result->requests++;
        // A closed loop counts what ends in the window. An open one counts what was due in it: a server that stalls must
        // not get rid of the latencies that it caused.
        const bool counts =
            engine->is_open ? start >= engine->record_from_ns && start < engine->record_until_ns : engine->measuring;
        if (counts) cload_histogram_record(engine->latency, now - start);
    }
}

// True when more may be there.
static bool echo_receive(struct engine *engine, struct connection *connection, bool ending) {
    bool more = false;
    ssize_t received = receive_bytes(engine, connection, &more);
    if (received <= 0) {
        if (received == 0 || (errno != EAGAIN && errno != EINTR)) fail_connection(engine, connection);
        return false;
    }
    const uint64_t end = connection->received + (uint64_t)received;
    const uint8_t *expected = expected_bytes(engine, connection, connection->received);
    if (end > connection->sent || memcmp(engine->incoming, expected, (size_t)received) != 0) {
        engine->result->corruptions++;
        close_connection(engine, connection);
        return false;
    }
    connection->received = end;
    if (engine->measuring) engine->result->bytes += (uint64_t)received;
    return ending || more;
}

void echo_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (is_shaking_hands(connection)) {
        if (tls_shake_hands(engine, connection)) echo_send(engine, connection);
        return;
    }
    const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (events & EPOLLOUT) connection->blocked = false;
    if (ending || (events & EPOLLIN)) {
        const uint64_t before = connection->received;
        while (echo_receive(engine, connection, ending)) continue;
        if (connection->fd < 0) return;
        if (connection->received == before) {
            // Tickets, or the beginning of a record: nothing that would let a message go out.
            if (!connection->blocked) echo_send(engine, connection);
            return;
        }
        const uint64_t now = now_ns(engine);
        complete_messages(engine, connection, now);
        if (engine->is_open) {
            rate_release(engine, connection);
        } else {
            echo_release(engine, connection, now);
        }
    } else if (!connection->blocked) {
        echo_send(engine, connection);
    }
}
