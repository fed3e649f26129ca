// What the parts of the load generator share. Not public.
#ifndef CLOAD_ENGINE_H
#define CLOAD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "CLoad.h"

// Every connection sends one endless stream, cut into messages. The byte at a position depends on the position and on
// the connection, so that a lost, doubled, shifted or foreign piece shows as soon as it is compared.
enum {
    pattern_period = 65521,  // a prime: no message size falls into step with it
    piece_bytes_max = 192 * 1024,
};

struct connection {
    int fd;             // -1 when closed
    uint32_t index;
    uint32_t phase;     // where in the pattern its stream begins
    bool blocked;       // the socket took less than was offered; an EPOLLOUT will come
    uint64_t sent;      // bytes, since the connection was opened
    uint64_t received;
    uint64_t released;  // messages that may be sent
    uint64_t completed; // messages that came back whole
    uint64_t *starts_ns;  // when message i was released, at [i % depth]
};

struct snapshot {
    uint64_t time_ns, server_cpu_ns, load_cpu_ns, busy_ns, steal_ns;
};

struct engine {
    const cload_config *config;
    cload_result *result;
    cload_histogram *latency;
    int epoll;
    struct sockaddr_storage address;
    socklen_t address_length;
    clockid_t server_clock;
    struct connection *connections;
    uint32_t open_count;
    bool measuring;
    uint8_t *pattern;   // pattern_period + piece_bytes_max bytes
    uint8_t *incoming;  // piece_bytes_max bytes
    uint32_t message_bytes;
    uint32_t depth;
    uint64_t messages_max;  // on each connection
    uint32_t interest;      // epoll events
    void (*ready)(struct engine *, struct connection *, uint32_t events);
};

static inline uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline const uint8_t *expected_bytes(const struct engine *engine, const struct connection *c, uint64_t position) {
    return engine->pattern + (c->phase + position) % pattern_period;
}

// pattern.c
int pattern_create(struct engine *engine);

// connect.c
int resolve_target(struct engine *engine);
// A connected, non-blocking socket that is in the epoll set; false on failure, which is counted.
bool open_connection(struct engine *engine, struct connection *connection);
bool watch_connection(struct engine *engine, struct connection *connection);
void prepare_connection(struct engine *engine, struct connection *connection, int fd);
void close_connection(struct engine *engine, struct connection *connection);
void fail_connection(struct engine *engine, struct connection *connection);

// echo.c
void echo_release(struct engine *engine, struct connection *connection, uint64_t now);
void echo_ready(struct engine *engine, struct connection *connection, uint32_t events);

// churn.c
void churn_start(struct engine *engine, struct connection *connection);
void churn_ready(struct engine *engine, struct connection *connection, uint32_t events);
void churn_retry(struct engine *engine);

// stream.c
void stream_in_ready(struct engine *engine, struct connection *connection, uint32_t events);
void stream_out_ready(struct engine *engine, struct connection *connection, uint32_t events);

// observe.c
struct snapshot take_snapshot(const struct engine *engine);
void read_memory(int32_t pid, uint64_t *rss_bytes, uint64_t *anonymous_bytes);

#endif
