// The records of connections, and which of them the end of a turn has to look at.
#ifndef C_RING_ECHO_CONNECTION_H
#define C_RING_ECHO_CONNECTION_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clines.h"
#include "cserve.h"

// Bytes on their way out: borrowed from a provided buffer, or in a block of their own.
struct span {
    uint8_t *bytes;
    uint32_t length;
    uint32_t class;  // of the block; unused when borrowed
};

struct connection {
    struct span sending;  // the send in flight; empty when there is none
    struct span waiting;  // gathered since
    uint32_t sent;        // of `sending`
    uint32_t position;    // in the pattern's period, of what a source sends next
    int fd;
    struct connection *peer;  // whom it sends to what is received here: itself, or the other side of a proxy
    struct clines *lines;     // of a connection that asks
    bool connecting;      // a proxy's connection to its upstream does not stand yet
    bool receiving;       // a multishot receive is armed
    bool starved;         // it ended for want of buffers
    bool stopped;         // too much is waiting to be sent
    bool ended;           // nothing more is received, here or on the other side
    bool dirty;
    struct connection *next_dirty;  // also links free records
    struct connection *next_starved;
} __attribute__((aligned(16)));

static struct connection *free_connections, *dirty_connections;

static inline struct connection *take_connection(int fd) {
    struct connection *connection = free_connections;
    if (connection == NULL) {
        enum { batch = 64 };
        struct connection *records = aligned_alloc(64, batch * sizeof *records);
        if (records == NULL) cserve_fail("aligned_alloc", errno);
        for (int i = 1; i < batch; i++) {
            records[i].next_dirty = free_connections;
            free_connections = &records[i];
        }
        connection = records;
    } else {
        free_connections = connection->next_dirty;
    }
    memset(connection, 0, sizeof *connection);
    connection->fd = fd;
    connection->peer = connection;
    return connection;
}

static inline void mark_dirty(struct connection *connection) {
    if (connection->dirty) return;
    connection->dirty = true;
    connection->next_dirty = dirty_connections;
    dirty_connections = connection;
}

static inline void begin_lines(struct connection *connection) {
    connection->lines = calloc(1, sizeof *connection->lines);
    if (connection->lines == NULL) cserve_fail("calloc", errno);
}

#endif
