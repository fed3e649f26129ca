// Datagrams that come back, one in flight on each of the sockets. What is lost is sent again after a while and counted.
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine.h"

static const uint64_t resend_after_ns = 20 * 1000 * 1000;

// A datagram begins with its number on this socket, so that an answer which comes twice is told from the next one.
enum { number_bytes = sizeof(uint64_t) };

static void send_datagram(struct engine *engine, struct connection *connection) {
    const uint8_t *rest = expected_bytes(engine, connection, connection->completed);
    uint8_t *datagram = engine->incoming;
    memcpy(datagram, &connection->completed, number_bytes);
    memcpy(datagram + number_bytes, rest, engine->message_bytes - number_bytes);
    // A full socket buffer is a lost datagram; so is an answer to an earlier one that nobody was there to take.
    (void)!send(connection->fd, datagram, engine->message_bytes, MSG_NOSIGNAL);
    connection->sent++;
}

static bool is_as_expected(const struct engine *engine, const struct connection *connection, ssize_t length) {
    const uint8_t *rest = expected_bytes(engine, connection, connection->completed);
    return length == (ssize_t)engine->message_bytes &&
           memcmp(engine->incoming + number_bytes, rest, engine->message_bytes - number_bytes) == 0;
}

static void start(struct engine *engine, struct connection *connection) {
    connection->starts_ns[0] = now_ns();
    connection->released = connection->starts_ns[0];
    send_datagram(engine, connection);
}

void udp_ready(struct engine *engine, struct connection *connection, uint32_t events) {
    if (!(events & (EPOLLIN | EPOLLERR))) return;
    const ssize_t length = recv(connection->fd, engine->incoming, piece_bytes_max, 0);
    if (length < number_bytes) {
        if (length >= 0) engine->result->corruptions++;
        return;  // an error is the fate of what was sent: it is sent again in time
    }
    uint64_t number;
    memcpy(&number, engine->incoming, number_bytes);
    if (number < connection->completed) return;  // both answers of a datagram that was sent twice
    if (number > connection->completed || !is_as_expected(engine, connection, length)) {
        engine->result->corruptions++;
        close_connection(engine, connection);
        return;
    }
    connection->completed++;
    if (engine->measuring) {
        cload_histogram_record(engine->latency, now_ns() - connection->starts_ns[0]);
        engine->result->requests++;
        engine->result->bytes += (uint64_t)length;
    }
    start(engine, connection);
}

// Sends again what should have come back by now.
void udp_resend(struct engine *engine) {
    const uint64_t now = now_ns();
    for (uint32_t i = 0; i < engine->config->connections; i++) {
        struct connection *connection = &engine->connections[i];
        if (connection->fd < 0 || now - connection->released < resend_after_ns) continue;
        connection->released = now;
        engine->result->resent++;
        send_datagram(engine, connection);
    }
}

void udp_start(struct engine *engine) {
    for (uint32_t i = 0; i < engine->config->connections; i++) {
        if (engine->connections[i].fd >= 0) start(engine, &engine->connections[i]);
    }
}
