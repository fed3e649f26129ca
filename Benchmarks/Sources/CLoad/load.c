// One measurement from its beginning to its end.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tls.h"

enum { event_capacity = 1024, handshakes_at_once_max = 16 };

static const uint64_t idle_settle_ns = 300ull * 1000 * 1000;
static const uint64_t wait_ns_max = 10ull * 1000 * 1000;
// A wait ends late by up to this, so that what is due sooner is not slept for but spun for.
static const uint64_t wake_up_ns_max = 100ull * 1000;
static const uint64_t open_grace_ns = 1000ull * 1000 * 1000;

static int create_connections(struct engine *engine) {
    const cload_config *config = engine->config;
    const uint32_t count = engine->connection_count;
    engine->connections = calloc(count, sizeof *engine->connections);
    uint64_t *starts = calloc((size_t)count * engine->depth, sizeof *starts);
    if (engine->connections == NULL || starts == NULL) return ENOMEM;
    if (config->kind == CLOAD_UDP) {
        engine->lanes = calloc((size_t)count * engine->depth, sizeof *engine->lanes);
        if (engine->lanes == NULL) return ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        engine->connections[i] = (struct connection){
            .fd = -1,
            .index = i,
            .phase = config->kind == CLOAD_STREAM_OUT ? 0 : phase_of(i),
            .starts_ns = starts + (size_t)i * engine->depth,
            .lanes = engine->lanes == NULL ? NULL : engine->lanes + (size_t)i * engine->depth,
        };
    }
    return 0;
}

// One turn: what is ready is looked at.
static void turn(struct engine *engine) {
    uint64_t wait_ns = wait_ns_max;
    if (engine->is_open) {
        wait_ns = rate_advance(engine, now_ns(engine));
        wait_ns = wait_ns > wake_up_ns_max ? wait_ns - wake_up_ns_max : 0;
        if (wait_ns > wait_ns_max) wait_ns = wait_ns_max;
    }
    if (engine->config->clock != NULL) wait_ns = 0;
    const struct timespec wait = {.tv_nsec = (long)wait_ns};
    struct epoll_event events[event_capacity];
    int count = epoll_pwait2(engine->epoll, events, event_capacity, &wait, NULL);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->fd >= 0) engine->ready(engine, connection, events[i].events);
    }
}

// Waits until no more than so many handshakes are under way. Those of a server that is too slow are given up.
static void await_handshakes(struct engine *engine, uint32_t count_max) {
    if (engine->tls == NULL) return;
    const uint64_t deadline = now_ns(engine) + patience_ns(engine);
    while (engine->tls->handshaking > count_max && now_ns(engine) < deadline && !cload_was_interrupted()) turn(engine);
    if (engine->tls->handshaking <= count_max) return;
    tls_note(engine, "the server did not answer a handshake in time");
    engine->result->timeouts++;
    for (uint32_t i = 0; i < engine->client_count; i++) {
        struct connection *connection = &engine->connections[i];
        if (connection->fd >= 0 && is_shaking_hands(connection)) fail_connection(engine, connection);
    }
}

static void open_all(struct engine *engine) {
    uint32_t i = 0;
    for (; i < engine->client_count && may_open_more(engine); i++) {
        open_connection(engine, &engine->connections[i]);
        await_handshakes(engine, handshakes_at_once_max);
    }
    await_handshakes(engine, 0);
    engine->result->errors += engine->client_count - i;
}

// Goes on without connections, too: a server that ends them all early has done nothing in the rest of the time.
static void run_until(struct engine *engine, uint64_t end_ns) {
    while (now_ns(engine) < end_ns && !cload_was_interrupted()) {
        turn(engine);
        if (engine->config->kind == CLOAD_CHURN) churn_retry(engine);
        if (engine->config->kind == CLOAD_UDP) udp_resend(engine);
    }
}

// What was due in the window gets a second more; what is still out then is recorded as it stands.
static void finish_open(struct engine *engine) {
    const uint64_t deadline = engine->record_until_ns + open_grace_ns;
    uint64_t now;
    while ((now = now_ns(engine)) < deadline && !rate_is_settled(engine) && !cload_was_interrupted()) {
        turn(engine);
    }
    rate_record_unanswered(engine, now);
}

static void run_window(struct engine *engine) {
    const cload_config *config = engine->config;
    run_until(engine, now_ns(engine) + config->warmup_ns);
    const bool floods = config->kind == CLOAD_FLOOD;
    const uint64_t queued_before = floods ? flood_queued(engine) : 0;
    const struct snapshot before = take_snapshot(engine, false);
    engine->measuring = true;
    engine->record_from_ns = before.time_ns;
    engine->record_until_ns = before.time_ns + config->window_ns;
    run_until(engine, engine->record_until_ns);
    engine->measuring = false;
    const struct snapshot after = take_snapshot(engine, true);
    cload_result *result = engine->result;
    if (floods) {
        const uint64_t taken = result->bytes + queued_before, queued = flood_queued(engine);
        result->bytes = taken > queued ? taken - queued : 0;
    }
    result->window_ns = after.time_ns - before.time_ns;
    result->server_cpu_ns = after.server_cpu_ns - before.server_cpu_ns;
    // It is less than before when one of them was disowned.
    if (after.descendants_ns > before.descendants_ns) {
        result->server_cpu_ns += after.descendants_ns - before.descendants_ns;
    }
    result->load_cpu_ns = after.load_cpu_ns - before.load_cpu_ns;
    result->load_waiting_ns = after.load_waiting_ns - before.load_waiting_ns;
    result->task_ns = after.task_ns - before.task_ns;
    result->interrupt_ns = after.interrupt_ns - before.interrupt_ns;
    result->steal_ns = after.steal_ns - before.steal_ns;
    result->throttled_ns = after.throttled_ns - before.throttled_ns;
    if (engine->is_open) finish_open(engine);
}

// Connections first, and all of them, then the first messages.
static void begin(struct engine *engine) {
    const cload_config *config = engine->config;
    if (config->kind == CLOAD_CHURN) {
        churn_retry(engine);
        return;
    }
    open_all(engine);
    if (config->kind == CLOAD_UDP) {
        udp_start(engine);
    } else if (config->kind == CLOAD_FLOOD) {
        flood_start(engine);
    } else if (engine->is_open) {
        rate_start(engine);
    } else if (config->kind == CLOAD_ECHO) {
        for (uint32_t i = 0; i < config->connections; i++) {
            if (engine->connections[i].fd >= 0) echo_release(engine, &engine->connections[i], now_ns(engine));
        }
    }
}

static void run_traffic(struct engine *engine) {
    cload_result *result = engine->result;
    read_memory(engine, &result->rss_before_bytes, &result->anonymous_before_bytes);
    begin(engine);
    run_window(engine);
    if (engine->tls != NULL) tls_note_unanswered(engine);
    read_memory(engine, &result->rss_after_bytes, &result->anonymous_after_bytes);
}

// Sends one message and waits for it to come back.
static void exchange_one(struct engine *engine, struct connection *connection) {
    if (!open_connection(engine, connection)) return;
    echo_release(engine, connection, now_ns(engine));
}

// Waits for the first `count` answers, for as long as the server goes on answering.
static void await_answers(struct engine *engine, uint32_t count) {
    cload_result *result = engine->result;
    uint64_t seen = result->requests, deadline = now_ns(engine) + patience_ns(engine);
    while (result->requests + result->errors < count && now_ns(engine) < deadline && !cload_was_interrupted()) {
        turn(engine);
        if (result->requests > seen) deadline = now_ns(engine) + patience_ns(engine);
        seen = result->requests;
    }
    if (result->requests < count) result->errors = count - result->requests;
}

static void run_idle(struct engine *engine) {
    cload_result *result = engine->result;
    const cload_config *config = engine->config;
    engine->measuring = true;
    // One connection first, so that what a server makes for its first is not counted on the others.
    struct connection *first = &engine->connections[0];
    exchange_one(engine, first);
    await_handshakes(engine, 0);
    await_answers(engine, 1);
    usleep(idle_settle_ns / 1000);
    read_memory(engine, &result->rss_before_bytes, &result->anonymous_before_bytes);
    for (uint32_t i = 1; i < config->connections && result->requests > 0 && may_open_more(engine); i++) {
        exchange_one(engine, &engine->connections[i]);
        await_handshakes(engine, handshakes_at_once_max);
        if (i % 64 == 0) turn(engine);
    }
    await_answers(engine, config->connections);
    usleep(idle_settle_ns / 1000);
    read_memory(engine, &result->rss_after_bytes, &result->anonymous_after_bytes);
}

static int set_up(struct engine *engine, const char **what) {
    const cload_config *config = engine->config;
    *what = "target address";
    int problem = resolve_target(engine);
    if (problem != 0) return problem;
    *what = "memory";
    engine->pattern = cpattern_create(piece_bytes_max);
    engine->incoming = malloc(piece_bytes_max);
    if (engine->pattern == NULL || engine->incoming == NULL) return ENOMEM;
    problem = create_connections(engine);
    if (problem != 0) return problem;
    *what = "epoll_create1";
    engine->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (engine->epoll < 0) return errno;
    *what = "kind of load";
    problem = config->kind == CLOAD_FLOOD   ? flood_set_up(engine)
              : config->kind == CLOAD_PROXY ? proxy_set_up(engine)
              : config->lines               ? lines_set_up(engine)
                                            : 0;
    if (problem != 0) return problem;
    *what = "TLS";
    problem = config->tls_certificate == NULL ? 0 : tls_set_up(engine);
    if (problem != 0) return problem;
    *what = "server's CPU clock";
    if (config->server_pid <= 0) return 0;
    nudge_start(&engine->nudge, config->server_cpu);
    return clock_getcpuclockid(config->server_pid, &engine->server_clock);
}

static void tear_down(struct engine *engine) {
    nudge_end(&engine->nudge);
    if (engine->connections != NULL) {
        for (uint32_t i = 0; i < engine->connection_count; i++) close_connection(engine, &engine->connections[i]);
        free(engine->connections[0].starts_ns);
    }
    tls_tear_down(engine);
    free(engine->connections);
    free(engine->lanes);
    free(engine->pattern);
    free(engine->lines);
    free(engine->incoming);
    if (engine->epoll >= 0) close(engine->epoll);
}

static void choose_behaviour(struct engine *engine) {
    // Edge-triggered, once for both directions: no further epoll_ctl, and no second look at what was just read.
    engine->interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    switch (engine->config->kind) {
    case CLOAD_ECHO:
    case CLOAD_IDLE: engine->ready = echo_ready; break;
    case CLOAD_CHURN: engine->ready = churn_ready; break;
    // A stream may never run dry, so that waiting for its edge could take for ever.
    case CLOAD_STREAM_IN: engine->ready = stream_in_ready, engine->interest = EPOLLOUT | EPOLLRDHUP; break;
    case CLOAD_STREAM_OUT: engine->ready = stream_out_ready, engine->interest = EPOLLIN; break;
    case CLOAD_FLOOD: engine->ready = flood_ready, engine->interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP; break;
    case CLOAD_PROXY: engine->ready = proxy_ready, engine->interest = EPOLLOUT | EPOLLRDHUP; break;
    // One datagram an event: what is left is found again.
    case CLOAD_UDP: engine->ready = udp_ready, engine->interest = EPOLLIN; break;
    }
}

static bool speaks_tls_rightly(const cload_config *config) {
    if (config->tls_certificate == NULL) return !config->tls_resumes;
    if (config->tls_resumes) return config->kind == CLOAD_CHURN;
    return config->kind == CLOAD_ECHO || config->kind == CLOAD_CHURN || config->kind == CLOAD_IDLE;
}

int cload_run(const cload_config *config, cload_histogram *latency, cload_result *result, const char **what) {
    memset(result, 0, sizeof *result);
    *what = "parameters";
    if (config->connections == 0 || config->message_bytes == 0) return EINVAL;
    const bool is_open = config->rate_per_s > 0;
    if (is_open && config->kind != CLOAD_ECHO) return EINVAL;
    if (config->lines && config->kind != CLOAD_ECHO) return EINVAL;
    if (!speaks_tls_rightly(config)) return EINVAL;
    if (config->kind == CLOAD_UDP && (config->message_bytes < 8 || config->message_bytes > 65507)) return EINVAL;
    struct engine engine = {
        .config = config,
        .result = result,
        .latency = latency,
        .epoll = -1,
        .nudge.event = -1,
        .message_bytes = config->message_bytes,
        .client_count = config->kind == CLOAD_FLOOD ? config->connections + 1 : config->connections,
        .depth = (config->kind == CLOAD_ECHO || config->kind == CLOAD_UDP) && config->depth > 1 ? config->depth : 1,
        .is_open = is_open,
        .messages_max = config->kind == CLOAD_IDLE ? 1 : UINT64_MAX,
    };
    engine.connection_count = config->kind == CLOAD_PROXY ? config->connections * 2 + proxy_spare_places : engine.client_count;
    engine.joins = config->kind == CLOAD_UDP && engine.depth > 1 && !config->single_datagrams;
    choose_behaviour(&engine);
    int problem = set_up(&engine, what);
    if (problem == 0) {
        if (config->kind == CLOAD_IDLE) {
            run_idle(&engine);
        } else {
            run_traffic(&engine);
        }
    }
    tear_down(&engine);
    return problem;
}
