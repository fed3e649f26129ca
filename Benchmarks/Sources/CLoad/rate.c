// An open loop: messages are due at a fixed rate, whatever the server does.
//
// They go to the connections in turns. Each connection has at most `depth` messages in flight, so that one that is due
// may have to wait for those before it. Its latency begins when it was due, not when it was sent: a server that stalls
// is charged for every message that it kept waiting, not only for those that it happened to have.
#include "engine.h"

static uint64_t due_ns(const struct engine *engine, uint64_t message) {
    return engine->schedule_start_ns + (uint64_t)((double)message * 1e9 / engine->config->rate_per_s);
}

void rate_start(struct engine *engine) {
    engine->schedule_start_ns = now_ns(engine);
    engine->schedule_next = 0;
    engine->record_from_ns = engine->record_until_ns = UINT64_MAX;
}

void rate_release(struct engine *engine, struct connection *connection) {
    const uint64_t connections = engine->config->connections;
    while (connection->released < connection->scheduled &&
           connection->released < connection->completed + engine->depth) {
        connection->starts_ns[connection->released % engine->depth] =
            due_ns(engine, connection->released * connections + connection->index);
        connection->released++;
    }
    if (!connection->blocked) echo_send(engine, connection);
}

uint64_t rate_advance(struct engine *engine, uint64_t now) {
    uint64_t due;
    while ((due = due_ns(engine, engine->schedule_next)) <= now) {
        if (due >= engine->record_until_ns) return UINT64_MAX;  // the window is over: nothing more is wanted
        if (due >= engine->record_from_ns) engine->result->scheduled++;
        struct connection *connection =
            &engine->connections[engine->schedule_next % engine->config->connections];
        engine->schedule_next++;
        connection->scheduled++;
        if (connection->fd >= 0) rate_release(engine, connection);
    }
    return due - now;
}

bool rate_is_settled(const struct engine *engine) {
    if (due_ns(engine, engine->schedule_next) < engine->record_until_ns) return false;
    for (uint32_t i = 0; i < engine->config->connections; i++) {
        const struct connection *connection = &engine->connections[i];
        if (connection->completed < connection->scheduled) return false;
    }
    return true;
}

void rate_record_unanswered(struct engine *engine, uint64_t now) {
    const uint64_t connections = engine->config->connections;
    for (uint32_t i = 0; i < connections; i++) {
        const struct connection *connection = &engine->connections[i];
        for (uint64_t message = connection->completed; message < connection->scheduled; message++) {
            const uint64_t due = due_ns(engine, message * connections + connection->index);
            if (due < engine->record_from_ns || due >= engine->record_until_ns) continue;
            cload_histogram_record(engine->latency, now - due);
            engine->result->unanswered++;
        }
    }
}
