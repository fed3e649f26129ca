// What the parts of the load generator share. Not public.
#ifndef CLOAD_ENGINE_H
#define CLOAD_ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "CLoad.h"
#include "cpattern.h"

// Every connection sends one endless stream, cut into messages: the pattern, from a phase of its own, so that a foreign
// piece shows too.
enum { piece_bytes_max = 192 * 1024 };

// One datagram in flight on a socket, and the next one when it has come back.
struct lane {
    uint64_t number, start_ns, sent_ns;
};

struct connection {
    int fd;             // -1 when closed
    uint32_t index;
    uint32_t named;     // bytes of its index that have come; CLOAD_PROXY's forwarded connections only
    uint32_t phase;     // where in the pattern its stream begins
    bool blocked;       // the socket took less than was offered; an EPOLLOUT will come
    uint64_t sent;      // bytes, since the connection was opened
    uint64_t received;
    uint64_t released;  // messages that may be sent
    uint64_t completed; // messages that came back whole
    uint64_t scheduled; // messages that are due; open loop only
    uint64_t *starts_ns;  // when message i was released, or due in an open loop, at [i % depth]
    struct lane *lanes;   // `depth` of them; CLOAD_UDP only
    struct tls *tls;      // NULL for plain bytes
};

struct snapshot {
    uint64_t time_ns, server_cpu_ns, load_cpu_ns, load_waiting_ns;
    uint64_t task_ns, interrupt_ns, steal_ns;  // of the CPUs that server and load are pinned to
    uint64_t descendants_ns;                   // CPU time of what the server has started
    uint64_t throttled_ns;
};

// A process, first, and what it has started, at any depth. `members` is the owner's to free.
struct family {
    int32_t *members;
    size_t count, capacity;
};

// A thread on the server's CPU that does nothing but wake up when it is told to. The kernel brings a running process's CPU
// time up to date when it looks at that CPU: at its ticks, up to 10 ms apart, or because another thread wakes up there.
struct nudge {
    int event;  // an eventfd; below 0 when there is no such thread
    pthread_t thread;
};

struct engine {
    const cload_config *config;
    cload_result *result;
    cload_histogram *latency;
    int epoll;
    struct sockaddr_storage address;
    socklen_t address_length;
    clockid_t server_clock;
    struct nudge nudge;
    struct connection *connections;
    struct lane *lanes;  // of all connections
    struct tls_engine *tls;  // NULL for plain bytes
    uint32_t open_count;
    uint32_t client_count;      // of `connections`, those that are opened here; they come first
    uint32_t connection_count;
    struct connection upstream; // CLOAD_PROXY: the listener
    uint8_t *lines;             // CLOAD_FLOOD: what floods, `piece_bytes_max` bytes and a line more
                                // CLOAD_ECHO of lines: what stands for the pattern, `line_period` and `piece_bytes_max` bytes
    uint32_t line_period;       // a multiple of a line; 0 when messages are no lines
    bool measuring;
    uint8_t *pattern;   // cpattern_period + piece_bytes_max bytes
    uint8_t *incoming;  // piece_bytes_max bytes
    uint32_t message_bytes;
    uint32_t depth;
    bool joins;             // datagrams of one socket pass the kernel as one
    uint64_t messages_max;  // on each connection
    uint32_t interest;      // epoll events
    void (*ready)(struct engine *, struct connection *, uint32_t events);
    uint64_t resend_look_at_ns;  // when lost datagrams are looked for next
    // An open loop: message k of all is due at `schedule_start_ns` + k / rate.
    bool is_open;
    uint64_t schedule_start_ns;
    uint64_t schedule_next;      // the first message that was not due yet
    uint64_t record_from_ns;     // messages that are due in between have their latency recorded
    uint64_t record_until_ns;
};

static inline uint64_t now_ns(const struct engine *engine) {
    if (engine->config->clock != NULL) return engine->config->clock(engine->config->clock_context);
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static inline const uint8_t *expected_bytes(const struct engine *engine, const struct connection *c, uint64_t position) {
    if (engine->line_period > 0) return engine->lines + (c->phase + position) % engine->line_period;
    return engine->pattern + (c->phase + position) % cpattern_period;
}

// connect.c
int resolve_target(struct engine *engine);
// A connected, non-blocking socket that is in the epoll set; false on failure, which is counted.
bool open_connection(struct engine *engine, struct connection *connection);
// How long a server that does nothing is waited for.
uint64_t patience_ns(const struct engine *engine);
// Whether one more is worth trying: not after a connection timed out, as the server accepts no more.
bool may_open_more(const struct engine *engine);
bool watch_connection(struct engine *engine, struct connection *connection);
uint32_t phase_of(uint32_t index);
void prepare_connection(struct engine *engine, struct connection *connection, int fd);
void close_connection(struct engine *engine, struct connection *connection);
void fail_connection(struct engine *engine, struct connection *connection);

// echo.c
void echo_release(struct engine *engine, struct connection *connection, uint64_t now);
// Offers the socket everything that has been released.
void echo_send(struct engine *engine, struct connection *connection);
void echo_ready(struct engine *engine, struct connection *connection, uint32_t events);

// lines.c
int lines_set_up(struct engine *engine);

// rate.c
void rate_start(struct engine *engine);
// Schedules what is due, and says how long nothing else will be, in nanoseconds.
uint64_t rate_advance(struct engine *engine, uint64_t now);
// Lets go out what is due on a connection and within its depth.
void rate_release(struct engine *engine, struct connection *connection);
bool rate_is_settled(const struct engine *engine);
// Records what was due in the window and has not come back, with its age.
void rate_record_unanswered(struct engine *engine, uint64_t now);

// churn.c
void churn_start(struct engine *engine, struct connection *connection);
void churn_ready(struct engine *engine, struct connection *connection, uint32_t events);
void churn_retry(struct engine *engine);

// stream.c
void stream_in_ready(struct engine *engine, struct connection *connection, uint32_t events);
void stream_out_ready(struct engine *engine, struct connection *connection, uint32_t events);

// flood.c
int flood_set_up(struct engine *engine);
void flood_start(struct engine *engine);
void flood_ready(struct engine *engine, struct connection *connection, uint32_t events);
// What was sent and the server has not taken yet.
uint64_t flood_queued(const struct engine *engine);

// proxy.c
// For connections that somebody else has made, to see whether the server listens.
enum { proxy_spare_places = 16 };
int proxy_set_up(struct engine *engine);
void proxy_ready(struct engine *engine, struct connection *connection, uint32_t events);

// udp.c
void udp_start(struct engine *engine);
void udp_ready(struct engine *engine, struct connection *connection, uint32_t events);
void udp_resend(struct engine *engine);

// nudge.c
void nudge_start(struct nudge *nudge, int cpu);
void nudge(const struct nudge *nudge);
void nudge_end(struct nudge *nudge);

// observe.c
// What bounds a window comes last before it, and first after it.
struct snapshot take_snapshot(const struct engine *engine, bool is_end);
// Of the server and what it has started, together; 0 when it cannot be read.
void read_memory(const struct engine *engine, uint64_t *rss_bytes, uint64_t *anonymous_bytes);

// family.c
void find_family(const cload_processes *where, int32_t pid, struct family *family);

#endif
